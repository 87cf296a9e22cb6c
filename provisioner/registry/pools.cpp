#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/pool.hpp"
#include "registry/certain_time.hpp"
#include "registry/guest_writer.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/versions.hpp"

namespace drover {

struct PoolRow {
    Pool pool;
    std::string schedule;
    long long pace = 0;
};
template <> struct Columns<PoolRow> {
    static void bind(soci::statement& statement, PoolRow& row) {
        const auto into = [&](auto&... field) { (statement.exchange(soci::into(field)), ...); };
        Pool& pool = row.pool;
        into(pool.id, pool.key.image, pool.key.profile, pool.key.kind, pool.targets.stopped, pool.targets.parked);
        into(row.schedule, pool.targets.demand, pool.draining, pool.failures, pool.reason, pool.made, pool.taken,
             row.pace);
    }
};

struct MemberRow {
    GuestRow guest;
    std::string size;
};
template <> struct Columns<MemberRow> {
    static void bind(soci::statement& statement, MemberRow& row) {
        Columns<GuestRow>::bind(statement, row.guest);
        statement.exchange(soci::into(row.size));
    }
};

namespace {

constexpr auto arrivals_kept = std::chrono::hours(24);

std::string joined(const std::vector<ScheduleEntry>& schedule) {
    std::string text;
    for (const ScheduleEntry& entry : schedule) text += (text.empty() ? "" : ";") + to_text(entry);
    return text;
}

std::vector<ScheduleEntry> parted(std::string_view text) {
    std::vector<ScheduleEntry> schedule;
    while (!text.empty()) {
        const auto end = std::min(text.find(';'), text.size());
        schedule.push_back(parse_schedule_entry(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return schedule;
}

template <typename... Values>
std::vector<Pool> read_pools(soci::session& sql, const std::string& clause, const Values&... values) {
    std::vector<Pool> result;
    for (PoolRow& row : rows<PoolRow>(sql,
                                      "SELECT id, image, profile, kind, stopped, parked, schedule, demand, draining, "
                                      "failures, reason, made, taken, pace FROM pools " +
                                          clause,
                                      values...)) {
        row.pool.targets.schedule = parted(row.schedule);
        row.pool.pace = Duration(row.pace);
        result.push_back(std::move(row.pool));
    }
    return result;
}

std::optional<Pool> find_pool(soci::session& sql, const PoolKey& key) {
    auto found = read_pools(sql, "WHERE image = :image AND profile = :profile AND kind = :kind", key.image, key.profile,
                            key.kind);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

PoolTargets changed(PoolTargets targets, const PoolChange& change) {
    targets.stopped = change.stopped.value_or(targets.stopped);
    targets.parked = change.parked.value_or(targets.parked);
    targets.schedule = change.schedule.value_or(targets.schedule);
    if (change.demand) targets.demand = *change.demand == 0 ? std::nullopt : change.demand;
    return targets;
}

std::string targets_text(const PoolTargets& targets) {
    auto text = fmt::format("stopped {}, parked {}", targets.stopped, targets.parked);
    if (!targets.schedule.empty()) text += ", schedule " + joined(targets.schedule);
    if (targets.demand) text += fmt::format(", demand {}%", *targets.demand);
    return text;
}

void write_targets(soci::session& sql, const Pool& pool) {
    const auto schedule = joined(pool.targets.schedule);
    write(sql,
          "UPDATE pools SET stopped = :stopped, parked = :parked, schedule = :schedule, demand = :demand, draining = "
          ":draining, failures = 0, reason = '' WHERE id = :id",
          pool.targets.stopped, pool.targets.parked, schedule, pool.targets.demand, pool.draining, pool.id);
}

void tell(Transaction& transaction, const std::string& kind, const PoolKey& key, const std::string& what) {
    add_event(transaction, {.kind = kind, .message = fmt::format("{}: {}", to_text(key), what)});
}

}  // namespace

Pool Pools::set(const Caller& caller, const PoolKey& sort, const PoolChange& change) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        auto pool = find_pool(transaction.sql, sort);
        const bool is_new = !pool;
        if (!pool) pool = Pool{.id = next_number(transaction.sql, "pool"), .key = sort};
        pool->targets = changed(pool->targets, change);
        const auto& [stopped, parked, schedule, demand] = pool->targets;
        if (stopped == 0 && parked == 0 && schedule.empty() && !demand && is_new)
            throw Error(ErrorKind::usage, fmt::format("nothing is to be in the pool {}", to_text(sort)),
                        "--parked N, --stopped N, --schedule 'Mon 8:00 60' or --demand PERCENT");
        if (is_new)
            write(transaction.sql, "INSERT INTO pools (id, image, profile, kind) VALUES (:id, :image, :profile, :kind)",
                  pool->id, sort.image, sort.profile, sort.kind);
        pool->draining = false;
        pool->failures = 0;
        pool->reason.clear();
        write_targets(transaction.sql, *pool);
        tell(transaction, "pool-set", sort, fmt::format("{}: {}", caller.who(), targets_text(pool->targets)));
        return *pool;
    });
}

Pool Pools::drain(const Caller& caller, const PoolKey& sort) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        auto pool = find_pool(transaction.sql, sort);
        if (!pool)
            throw Error(ErrorKind::not_found, fmt::format("no pool {}", to_text(sort)),
                        "drover pool list shows those that there are");
        pool->targets = {};
        pool->draining = true;
        write_targets(transaction.sql, *pool);
        tell(transaction, "pool-set", sort, caller.who() + ": drained");
        return *pool;
    });
}

std::vector<Pool> Pools::list() {
    return session_.read(
        [](Transaction& transaction) { return read_pools(transaction.sql, "ORDER BY image, profile, kind"); });
}

std::vector<PoolMember> Pools::members() {
    return session_.read([](Transaction& transaction) {
        std::string select = select_guests;
        select.insert(select.find(" FROM guests"), ", size");
        std::vector<PoolMember> result;
        for (MemberRow& row :
             rows<MemberRow>(transaction.sql, select + " WHERE owner IS NULL AND phase <> 'gone' ORDER BY id"))
            result.push_back({guest_of(std::move(row.guest)), std::move(row.size)});
        return result;
    });
}

std::vector<GuestId> Pools::make(const Pool& pool, const Reservation& as, Desired desired, long long count) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        if (!is_version(transaction.sql, as.image, as.version)) return std::vector<GuestId>{};  // removed just now
        Guest pattern;
        pattern.kind = as.kind;
        pattern.image = as.image;
        pattern.profile = as.profile;
        pattern.host = as.host;
        pattern.desired = desired;
        pattern.want = {as.version, 1, 1};
        pattern.since = pattern.created = transaction.now;
        pattern.pool = pool.id;
        const auto addresses = reserve_addresses(transaction, as.network, count);
        GuestWriter guests(transaction, std::move(pattern), "pool", as.size);
        std::vector<GuestId> ids;
        for (const Address address : addresses) ids.push_back(guests.add(address).id);
        guests.finish();
        return ids;
    });
}

bool Pools::park(const Guest& member) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        return write(transaction.sql,
                     "UPDATE guests SET desired = 'parked', rev = rev + 1 WHERE id = :id AND rev = :rev AND owner IS "
                     "NULL AND phase = 'stopped' AND desired = 'stopped'",
                     member.id, member.rev) == 1;
    });
}

bool Pools::drop(const PoolMember& member, const std::string& reason, bool failed) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        const Guest& guest = member.guest;
        if (write(transaction.sql,
                  "UPDATE guests SET desired = 'gone', rev = rev + 1 WHERE id = :id AND rev = :rev AND owner IS NULL",
                  guest.id, guest.rev) != 1)
            return false;
        if (failed)
            write(transaction.sql,
                  "UPDATE pools SET failures = failures + 1, failed = :member, reason = :reason WHERE id = :pool",
                  guest.id, reason, *guest.pool);
        add_event(transaction,
                  {.kind = failed ? "pool-failed" : "pool-dropped",
                   .guest = guest.name,
                   .message = fmt::format("{}: {}", to_text(PoolKey{guest.image, guest.profile, guest.kind}), reason)});
        return true;
    });
}

std::vector<Arrival> Pools::arrivals(PoolId id) {
    return session_.read([&](Transaction& transaction) {
        std::vector<Arrival> result;
        for (const auto& [when, count] : rows<std::tuple<Time, long long>>(
                 transaction.sql, "SELECT time, count FROM arrivals WHERE pool = :pool ORDER BY time", id))
            result.push_back({when, count});
        return result;
    });
}

void Pools::forget_old_arrivals() {
    session_.transact("commit.pool", [](Transaction& transaction) {
        const Time oldest = certain_time(transaction) - arrivals_kept;
        write(transaction.sql, "DELETE FROM arrivals WHERE time < :oldest", oldest);
    });
}

bool Pools::end_drain(const Pool& pool) {
    return session_.transact("commit.pool", [&](Transaction& transaction) {
        const bool ended = write(transaction.sql,
                                 "DELETE FROM pools WHERE id = :id AND draining = 1 AND NOT EXISTS (SELECT 1 FROM "
                                 "guests WHERE pool = pools.id AND owner IS NULL AND phase <> 'gone')",
                                 pool.id) == 1;
        if (ended) tell(transaction, "pool-drained", pool.key, "is no more");
        return ended;
    });
}

std::string Pools::last_trouble(const Guest& guest) {
    if (guest.fault) return fmt::format("{}: {}", guest.fault->kind, guest.fault->message);
    return session_.read([&](Transaction& transaction) {
        return first<std::string>(transaction.sql,
                                  "SELECT message FROM events WHERE guest = :name ORDER BY id DESC LIMIT 1", guest.name)
            .value_or("it failed");
    });
}

}  // namespace drover
