#include "registry/owners.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

const std::string select_owners =
    "SELECT name, login, quota, (SELECT count(*) FROM guests WHERE guests.owner = owners.name AND phase <> 'gone' AND "
    "desired <> 'gone') FROM owners";

std::vector<std::string> read_keys(soci::session& sql, const std::string& owner) {
    return rows<std::string>(sql, "SELECT line FROM owner_keys WHERE owner = :owner ORDER BY position", owner);
}

template <typename... Values>
std::vector<Owner> read_owners(soci::session& sql, const std::string& clause, const Values&... values) {
    using Row = std::tuple<std::string, std::optional<std::string>, long long, long long>;
    std::vector<Owner> result;
    for (const auto& [name, login, quota, guests] : rows<Row>(sql, select_owners + " " + clause, values...)) {
        result.push_back({name, login, quota, guests, read_keys(sql, name)});
    }
    return result;
}

/// The UNIQUE constraint on logins keeps them apart; this says whose it is.
void check_login_free(soci::session& sql, const OwnerChange& change) {
    const auto holder = first<std::string>(sql, "SELECT name FROM owners WHERE login = :login AND name <> :name",
                                           change.login, change.name);
    if (!holder) return;
    throw Error(ErrorKind::refused, fmt::format("login '{}' is the owner '{}'", *change.login, *holder),
                "one account acts as one owner");
}

/// True when the owner is new.
bool write_owner(soci::session& sql, const OwnerChange& change, long long default_quota) {
    const bool created = write(sql, "INSERT INTO owners (name, quota) VALUES (:name, :quota) ON CONFLICT DO NOTHING",
                               change.name, default_quota) == 1;
    write(sql,
          "UPDATE owners SET quota = COALESCE(:quota, quota), login = NULLIF(COALESCE(:login, login), '') "
          "WHERE name = :name",
          change.quota, change.login, change.name);
    return created;
}

/// Keys as they are compared later: trimmed, each once.
void write_keys(soci::session& sql, const std::string& owner, const std::vector<std::string>& lines) {
    write(sql, "DELETE FROM owner_keys WHERE owner = :owner", owner);
    std::vector<std::string> keys;
    for (const std::string& line : lines) {
        auto key = check_public_key(line);
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const auto position = static_cast<long long>(i);
        write(sql, "INSERT INTO owner_keys (owner, position, line) VALUES (:owner, :position, :line)", owner, position,
              keys[i]);
    }
}

void add_owner_event(Transaction& transaction, const std::string& owner, const std::string& what) {
    const auto message = fmt::format("owner '{}' {}", owner, what);
    add_event(transaction, {.kind = "operation", .owner = owner, .message = message});
}

}  // namespace

Owner read_owner(soci::session& sql, const std::string& name) {
    auto found = read_owners(sql, "WHERE name = :name", name);
    if (!found.empty()) return std::move(found.front());
    throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", name), fmt::format("drover owner set {}", name));
}

void check_quota(const std::string& owner, long long quota, long long kept, long long more) {
    if (more == 0 || kept + more <= quota) return;
    throw Error(ErrorKind::refused,
                fmt::format("owner '{}' has {} of {} guests; {} more do not fit", owner, kept, quota, more),
                fmt::format("drover owner set {} --quota {}", owner, kept + more));
}

Owner Owners::set(const OwnerChange& change, long long default_quota) {
    return session_.transact("commit.owner", [&](Transaction& transaction) {
        if (change.login) check_login_free(transaction.sql, change);
        const bool created = write_owner(transaction.sql, change, default_quota);
        if (change.keys) write_keys(transaction.sql, change.name, *change.keys);
        auto owner = read_owner(transaction.sql, change.name);
        add_owner_event(transaction, owner.name,
                        fmt::format("{}: quota {}, login {}, {} keys", created ? "created" : "changed", owner.quota,
                                    owner.login.value_or("none"), owner.keys.size()));
        return owner;
    });
}

Owner Owners::get(const std::string& name) {
    return session_.read([&](Transaction& transaction) { return read_owner(transaction.sql, name); });
}

std::vector<Owner> Owners::list() {
    return session_.read([](Transaction& transaction) { return read_owners(transaction.sql, "ORDER BY name"); });
}

std::optional<std::string> Owners::of_login(const std::string& login) {
    return session_.read([&](Transaction& transaction) {
        return first<std::string>(transaction.sql, "SELECT name FROM owners WHERE login = :login", login);
    });
}

std::vector<std::string> Owners::keys(const std::string& owner) {
    return session_.read([&](Transaction& transaction) { return read_keys(transaction.sql, owner); });
}

void Owners::remove(const std::string& name) {
    session_.transact("commit.owner", [&](Transaction& transaction) {
        read_owner(transaction.sql, name);
        const auto guests = *first<long long>(
            transaction.sql, "SELECT count(*) FROM guests WHERE owner = :name AND phase <> 'gone'", name);
        if (guests > 0) {
            throw Error(ErrorKind::refused, fmt::format("owner '{}' has {} guests", name, guests),
                        fmt::format("drover retire --owner {}, and wait until they are gone", name));
        }
        write(transaction.sql, "DELETE FROM owners WHERE name = :name", name);
        add_owner_event(transaction, name, "removed");
    });
}

}  // namespace drover
