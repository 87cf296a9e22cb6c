#include "registry/taking.hpp"

#include <fmt/format.h>

#include "model/names.hpp"
#include "model/pool.hpp"
#include "registry/certain_time.hpp"
#include "registry/guest_writer.hpp"

namespace drover {
namespace {

/// "owner IS NULL" and the state are in the condition of the UPDATE too: who comes second finds nothing.
const std::string is_there =
    "owner IS NULL AND phase = desired AND phase IN ('parked', 'stopped') AND attempts = 0 AND fault_kind IS NULL";

/// The next name of the owner's template that no guest has: a number is never used twice.
std::string next_name(soci::session& sql, const std::string& owner, Counter& numbers) {
    while (true) {
        const auto name = guest_name(owner, numbers.next());
        if (!first<long long>(sql, "SELECT id FROM guests WHERE name = :name", name)) return name;
    }
}

/// False: somebody else has it by now.
bool take(Transaction& transaction, const Guest& member, const Guest& as) {
    return write(transaction.sql,
                 "UPDATE guests SET owner = :owner, name = :name, desired = :desired, operation = :operation, "
                 "created = :created, pool = NULL, size = '', rev = rev + 1 WHERE id = :id AND rev = :rev AND " +
                     is_there,
                 as.owner, as.name, as.desired, as.operation, as.created, member.id, member.rev) == 1;
}

void tell(Transaction& transaction, const Guest& member, const Guest& as) {
    const auto message =
        fmt::format("{} of the pool {}, {}, is now {}", member.name,
                    to_text(PoolKey{member.image, member.profile, member.kind}), to_text(member.phase), as.name);
    add_event(transaction, {"pool-taken", as.name, as.owner, as.operation, message});
}

}  // namespace

std::vector<Guest> take_members(Transaction& transaction, const Guest& pattern, const std::string& size,
                                long long count) {
    auto& sql = transaction.sql;
    if (!pattern.network.empty()) return {};  // a pool's are in the default one
    const auto pool =
        first<PoolId>(sql, "SELECT id FROM pools WHERE image = :image AND profile = :profile AND kind = :kind",
                      pattern.image, pattern.profile, pattern.kind);
    if (!pool || count == 0) return {};
    write(sql, "INSERT INTO arrivals (pool, time, count) VALUES (:pool, :time, :count)", *pool,
          certain_time(transaction), count);
    const auto members =
        read_guests(sql,
                    "WHERE pool = :pool AND size = :size AND want_version = :version AND have_overlay = want_overlay "
                    "AND " +
                        is_there + " ORDER BY phase, id LIMIT :count",  // 'parked' comes before 'stopped'
                    *pool, size, pattern.want.version, count);
    if (members.empty()) return {};
    Counter numbers(sql, name_counter(*pattern.owner));
    std::vector<Guest> taken;
    for (const Guest& member : members) {
        Guest as = member;
        as.owner = pattern.owner;
        as.name = next_name(sql, *pattern.owner, numbers);
        as.desired = Desired::ready;
        as.operation = pattern.operation;
        as.created = transaction.now;
        as.pool.reset();
        if (!take(transaction, member, as)) continue;
        tell(transaction, member, as);
        taken.push_back(as);
    }
    numbers.store();
    write(sql, "UPDATE pools SET taken = taken + :count WHERE id = :pool", static_cast<long long>(taken.size()), *pool);
    return taken;
}

}  // namespace drover
