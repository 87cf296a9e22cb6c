#include "registry/copies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/certain_time.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/sql.hpp"

namespace soci {
template <> struct type_conversion<drover::CopyKind> : WordConversion<drover::CopyKind, drover::parse_copy_kind> {};
}  // namespace soci

namespace drover {

template <> struct Columns<Copy> {
    static void bind(soci::statement& statement, Copy& row) {
        const auto into = [&](auto&... field) { (statement.exchange(soci::into(field)), ...); };
        into(row.id, row.guest, row.guest_name, row.kind, row.name, row.file, row.version, row.asked, row.made);
        into(row.expires, row.bytes);
    }
};

namespace {

const std::string select_copies =
    "SELECT c.id, c.guest, g.name, c.kind, c.name, c.file, c.version, c.asked, c.made, c.expires, c.bytes "
    "FROM copies c JOIN guests g ON g.id = c.guest WHERE ";
const std::string usable = "c.removing = 0 AND ";

template <typename... Values>
std::vector<Copy> read_copies(soci::session& sql, const std::string& condition, const Values&... values) {
    return rows<Copy>(sql, select_copies + condition, values...);
}

template <typename... Values>
std::optional<Copy> read_copy(soci::session& sql, const std::string& condition, const Values&... values) {
    return first<Copy>(sql, select_copies + condition + " ORDER BY c.id DESC LIMIT 1", values...);
}

/// The guest as this caller may see it, gone or not.
Guest seen_guest(soci::session& sql, const std::string& name, const std::optional<std::string>& visible_owner) {
    auto found = read_guests(sql, "WHERE name = :name", name);
    if (!found.empty() && (!visible_owner || found.front().owner == visible_owner)) return std::move(found.front());
    throw Error(ErrorKind::not_found, fmt::format("no guest '{}'", name), "drover copies shows of whom there are any");
}

void check_unneeded(soci::session& sql, const Guest& guest, const Copy& copy) {
    const bool is_owed = !copy.made.has_value();
    const bool is_source = first<long long>(sql,
                                            "SELECT id FROM guests WHERE source = :copy AND want_overlay <> "
                                            "have_overlay AND phase <> 'gone'",
                                            copy.id)
                               .has_value();
    if (!is_owed && !is_source) return;
    throw Error(ErrorKind::refused,
                fmt::format("copy '{}' of '{}' is {}", copy.name, guest.name,
                            is_owed ? "being made" : "what its overlay is to be made from"),
                "wait until that is done: drover operations");
}

void mark_removing(Transaction& transaction, CopyId id) {
    write(transaction.sql, "UPDATE copies SET removing = 1 WHERE id = :id", id);
}

bool is_meant(const Copy& copy, const std::vector<std::string>& globs) {
    return globs.empty() || std::any_of(globs.begin(), globs.end(),
                                        [&](const auto& glob) { return glob_matches(glob, copy.guest_name); });
}

}  // namespace

bool has_copy(soci::session& sql, GuestId guest, const std::string& name) {
    return first<long long>(sql, "SELECT id FROM copies WHERE guest = :guest AND name = :name", guest, name)
        .has_value();
}

long long count_copies(soci::session& sql, GuestId guest, CopyKind kind) {
    return *first<long long>(sql, "SELECT count(*) FROM copies WHERE guest = :guest AND kind = :kind AND removing = 0",
                             guest, kind);
}

std::optional<Copy> copy_to_restore(soci::session& sql, GuestId guest, const std::string& name) {
    if (!name.empty()) return read_copy(sql, usable + "c.guest = :guest AND c.name = :name", guest, name);
    return read_copy(sql, usable + "c.guest = :guest AND c.kind IN ('snapshot', 'backup')", guest);
}

std::optional<Copy> snapshot_of_version(soci::session& sql, GuestId guest, const std::string& version) {
    return read_copy(sql, usable + "c.guest = :guest AND c.kind = 'snapshot' AND c.version = :version", guest, version);
}

std::optional<Copy> retired_copy(soci::session& sql, GuestId guest) {
    return read_copy(sql, usable + "c.guest = :guest AND c.kind = 'retired' AND c.made IS NOT NULL", guest);
}

CopyId owe_copy(Transaction& transaction, const NewCopy& copy, const Guest& guest, OperationId operation) {
    const CopyId id = next_number(transaction.sql, "copy");
    const auto name = copy.name.empty() ? fmt::format("{}-{}", to_text(copy.kind), id) : copy.name;
    const auto file =
        copy.kind == CopyKind::backup ? fmt::format("{}/{}-{}.tar", copy.file, guest.name, name) : copy.file;
    const auto expires = copy.keep ? std::optional(certain_time(transaction) + *copy.keep) : std::nullopt;
    const auto& version = guest.have.version.empty() ? guest.want.version : guest.have.version;
    write(transaction.sql,
          "INSERT INTO copies (id, guest, operation, kind, name, file, version, asked, expires) VALUES (:id, :guest, "
          ":operation, :kind, :name, :file, :version, :asked, :expires)",
          id, guest.id, operation, copy.kind, name, file, version, transaction.now, expires);
    return id;
}

void note_copies(Transaction& transaction, GuestId guest, const std::vector<MadeCopy>& made, bool all) {
    for (const auto& [id, bytes] : made)
        write(transaction.sql, "UPDATE copies SET made = :now, bytes = :bytes WHERE id = :id AND guest = :guest",
              transaction.now, bytes, id, guest);
    if (all) write(transaction.sql, "DELETE FROM copies WHERE guest = :guest AND made IS NULL", guest);
}

void forget_owed(Transaction& transaction, GuestId guest, OperationId operation) {
    write(transaction.sql, "DELETE FROM copies WHERE guest = :guest AND operation = :operation AND made IS NULL", guest,
          operation);
    write(
        transaction.sql,
        "UPDATE guests SET copy = 0 WHERE id = :id AND copy = 1 AND NOT EXISTS (SELECT 1 FROM copies c WHERE c.guest = "
        "guests.id AND c.made IS NULL)",
        guest);
}

std::vector<Copy> Copies::owed(GuestId guest) {
    return session_.read([&](Transaction& transaction) {
        return read_copies(transaction.sql, "c.guest = :guest AND c.made IS NULL ORDER BY c.id", guest);
    });
}

std::optional<Copy> Copies::get(CopyId id) {
    return session_.read([&](Transaction& transaction) {
        return read_copy(transaction.sql, usable + "c.id = :id AND c.made IS NOT NULL", id);
    });
}

std::vector<Copy> Copies::list(const std::vector<std::string>& globs, const std::optional<std::string>& owner) {
    auto copies = session_.read([&](Transaction& transaction) {
        if (owner) return read_copies(transaction.sql, usable + "g.owner = :owner ORDER BY c.id", *owner);
        return read_copies(transaction.sql, usable + "TRUE ORDER BY c.id");
    });
    std::erase_if(copies, [&](const Copy& copy) { return !is_meant(copy, globs); });
    std::stable_sort(copies.begin(), copies.end(),
                     [](const Copy& a, const Copy& b) { return natural_less(a.guest_name, b.guest_name); });
    return copies;
}

Copy Copies::begin_removal(const Caller& caller, const std::string& guest_name, const std::string& name,
                           const std::optional<std::string>& visible_owner) {
    return session_.transact("commit.copy", [&](Transaction& transaction) {
        const Guest guest = seen_guest(transaction.sql, guest_name, visible_owner);
        const auto copy = read_copy(transaction.sql, usable + "c.guest = :guest AND c.name = :name", guest.id, name);
        if (!copy) {
            throw Error(ErrorKind::not_found, fmt::format("guest '{}' has no copy '{}'", guest.name, name),
                        fmt::format("drover copies {}", guest.name));
        }
        check_unneeded(transaction.sql, guest, *copy);
        mark_removing(transaction, copy->id);
        add_event(transaction,
                  {.kind = "copy",
                   .guest = guest.name,
                   .owner = guest.owner,
                   .message = fmt::format("{}: {} '{}' removed", caller.who(), to_text(copy->kind), name)});
        return *copy;
    });
}

std::vector<Copy> Copies::begin_expiry() {
    return session_.transact("commit.copy", [&](Transaction& transaction) {
        const Time certainly = certain_time(transaction);
        for (const Copy& copy : read_copies(
                 transaction.sql,
                 usable + "c.made IS NOT NULL AND c.expires <= :now AND NOT EXISTS (SELECT 1 FROM guests s WHERE "
                          "s.source = c.id AND s.want_overlay <> s.have_overlay AND s.phase <> 'gone')",
                 certainly)) {
            mark_removing(transaction, copy.id);
            add_event(transaction,
                      {.kind = "copy",
                       .guest = copy.guest_name,
                       .message = fmt::format("{} '{}' is kept no longer", to_text(copy.kind), copy.name)});
        }
        return read_copies(transaction.sql, "c.removing = 1");
    });
}

std::optional<Duration> Copies::next_expiry() {
    return session_.transact("commit.copy", [&](Transaction& transaction) -> std::optional<Duration> {
        const auto expires = first<std::optional<Time>>(
            transaction.sql, "SELECT min(expires) FROM copies WHERE made IS NOT NULL AND removing = 0");
        if (!expires || !*expires) return std::nullopt;
        return **expires - certain_time(transaction);
    });
}

void Copies::end_removal(CopyId id) {
    session_.transact("commit.copy", [&](Transaction& transaction) {
        write(transaction.sql, "DELETE FROM copies WHERE id = :id AND removing = 1", id);
    });
}

}  // namespace drover
