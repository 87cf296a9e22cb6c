#include "fsck/registry_facts.hpp"

#include <fmt/format.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <sstream>
#include <utility>

#include "model/error.hpp"

namespace drover::fsck {
namespace {

/// Runs `work`, and tells what goes wrong with the database as something that fsck cannot look at.
template <typename Work> auto reading(const std::string& file, Work&& work) {
    try {
        return work();
    } catch (const soci::soci_error& error) {
        throw Error(ErrorKind::unavailable,
                    fmt::format("cannot read the registry {}: {}", file, error.get_error_message()),
                    "is that the state folder of a droverd that has run?");
    }
}

std::string read_uuid(soci::session& sql, const std::string& file) {
    std::string uuid;
    sql << "SELECT value FROM notes WHERE key = 'uuid'", soci::into(uuid);
    if (!sql.got_data()) throw Error(ErrorKind::unavailable, fmt::format("the registry {} has no UUID", file));
    return uuid;
}

std::vector<GuestRow> read_living(soci::session& sql) {
    GuestRow row;
    long long address = 0;
    int stray = 0;
    soci::statement statement =
        (sql.prepare
             << "SELECT id, name, kind, image, phase, desired, address, lower(coalesce(mac, '')), want_version, "
                "have_version, want_overlay, have_overlay, rev, owner IS NULL AND NOT EXISTS (SELECT 1 FROM pools "
                "WHERE "
                "pools.id = guests.pool), network FROM guests WHERE phase <> 'gone' ORDER BY id",
         soci::into(row.id), soci::into(row.name), soci::into(row.kind), soci::into(row.image), soci::into(row.phase),
         soci::into(row.desired), soci::into(address), soci::into(row.mac), soci::into(row.want_version),
         soci::into(row.have_version), soci::into(row.want_overlay), soci::into(row.have_overlay), soci::into(row.rev),
         soci::into(stray), soci::into(row.network));
    statement.execute();
    std::vector<GuestRow> rows;
    while (statement.fetch()) {
        row.address.value = static_cast<std::uint32_t>(address);
        row.is_stray = stray != 0;
        rows.push_back(row);
    }
    return rows;
}

std::map<std::string, bool> read_versions(soci::session& sql) {
    std::string image, digest;
    int removing = 0;
    soci::statement statement = (sql.prepare << "SELECT image, digest, removing FROM versions", soci::into(image),
                                 soci::into(digest), soci::into(removing));
    statement.execute();
    std::map<std::string, bool> versions;
    while (statement.fetch()) versions[root_name(image, digest)] = removing != 0;
    return versions;
}

std::map<GuestId, CopyRow> read_copies(soci::session& sql) {
    CopyRow row;
    int kept = 0;
    soci::statement statement =
        (sql.prepare
             << "SELECT c.id, g.name, c.file, c.made IS NOT NULL AND c.removing = 0 AND c.kind <> 'export' FROM "
                "copies c JOIN guests g ON g.id = c.guest",
         soci::into(row.id), soci::into(row.guest), soci::into(row.file), soci::into(kept));
    statement.execute();
    std::map<GuestId, CopyRow> copies;
    while (statement.fetch()) {
        row.is_kept = kept != 0;
        copies[row.id] = row;
    }
    return copies;
}

std::map<long long, OpeningRow> read_openings(soci::session& sql) {
    OpeningRow row;
    long long id = 0, address = 0;
    int orphan = 0;
    soci::statement statement =
        (sql.prepare << "SELECT o.id, g.name, o.protocol, g.address, o.port, g.phase = 'gone' FROM openings o JOIN "
                        "guests g ON g.id = o.guest",
         soci::into(id), soci::into(row.guest), soci::into(row.protocol), soci::into(address), soci::into(row.port),
         soci::into(orphan));
    statement.execute();
    std::map<long long, OpeningRow> openings;
    while (statement.fetch()) {
        row.address.value = static_cast<std::uint32_t>(address);
        row.is_orphan = orphan != 0;
        openings[id] = row;
    }
    return openings;
}

std::set<Address> read_used(soci::session& sql) {
    long long address = 0;
    soci::statement statement =
        (sql.prepare << "SELECT address FROM addresses WHERE free_at IS NULL", soci::into(address));
    statement.execute();
    std::set<Address> used;
    while (statement.fetch()) used.insert({static_cast<std::uint32_t>(address)});
    return used;
}

/// "SUBNET SUBNET6 USERS-BEFORE", "-" for no IPv6.
std::map<std::string, std::pair<Subnet, std::optional<Subnet6>>> read_networks(soci::session& sql) {
    constexpr std::size_t name_at = std::string_view("network/").size();
    std::string key, value;
    soci::statement statement =
        (sql.prepare << "SELECT key, value FROM notes WHERE key LIKE 'network/%'", soci::into(key), soci::into(value));
    statement.execute();
    std::map<std::string, std::pair<Subnet, std::optional<Subnet6>>> networks;
    while (statement.fetch()) {
        std::istringstream words(value);
        std::string subnet, subnet6;
        words >> subnet >> subnet6;
        networks[key.substr(name_at)] = {parse_subnet(subnet),
                                         subnet6 == "-" ? std::nullopt : std::optional(parse_subnet6(subnet6))};
    }
    return networks;
}

}  // namespace

std::string root_name(const std::string& image, const std::string& digest) {
    return fmt::format("{}/{}", image, digest.substr(digest.find(':') + 1));
}

RegistryReader::RegistryReader(std::string file) : file_(std::move(file)) {
    reading(file_, [&] { sql_.open(soci::sqlite3, fmt::format("dbname=\"{}\" timeout=10 readonly=true", file_)); });
}

RegistryFacts RegistryReader::read() {
    return reading(file_, [&] {
        const soci::transaction snapshot(sql_);
        return RegistryFacts{read_uuid(sql_, file_), read_versions(sql_), read_living(sql_),  read_used(sql_),
                             read_copies(sql_),      read_openings(sql_), read_networks(sql_)};
    });
}

bool RegistryReader::lives(GuestId id) {
    return reading(file_, [&] {
        long long count = 0;
        sql_ << "SELECT count(*) FROM guests WHERE id = :id AND phase <> 'gone'", soci::use(id), soci::into(count);
        return count > 0;
    });
}

bool RegistryReader::has_version(const std::string& root) {
    return reading(file_, [&] { return read_versions(sql_).contains(root); });
}

bool RegistryReader::has_copy(GuestId id) {
    return reading(file_, [&] { return read_copies(sql_).contains(id); });
}

}  // namespace drover::fsck
