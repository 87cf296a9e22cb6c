#include "pool/keeper.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <ctime>
#include <thread>
#include <utility>

#include "model/error.hpp"

namespace drover {
namespace {

constexpr Duration between_looks = std::chrono::seconds(2);  // time, memory and schedules change without a word
constexpr Duration without_pools = std::chrono::minutes(1);
constexpr Duration collect = std::chrono::milliseconds(100);  // news come in bursts
constexpr Duration first_pause = std::chrono::seconds(10), longest_pause = std::chrono::minutes(10);
constexpr auto between_forgetting = std::chrono::minutes(10);
constexpr Duration unknown_pace = std::chrono::seconds(10);
constexpr int leaving_at_once = 1, leaving_at_a_drain = 4;  // each holds a call of the hypervisor for a while
constexpr int in_the_making = 2;  // over all pools: what waits behind users' requests need not be many

/// Minutes since Monday 0:00, by the host's local time.
int minute_of_week() {
    const std::time_t seconds = std::time(nullptr);
    std::tm local{};
    localtime_r(&seconds, &local);
    return ((local.tm_wday + 6) % 7 * 24 + local.tm_hour) * 60 + local.tm_min;
}

bool failed(const Guest& guest) { return guest.fault || guest.attempts > 0; }

Judged judge(const PoolMember& member, const std::optional<Reservation>& now) {
    const Guest& guest = member.guest;
    return {
        .id = guest.id,
        .desired = guest.desired,
        .phase = guest.phase,
        .current = !now || (guest.want.version == now->version && member.size == now->size),
        .spoiled = guest.desired != Desired::gone &&
                   (failed(guest) || (guest.phase == Phase::parked && guest.stale()) || guest.phase == Phase::ready)};
}

bool is_in_the_making(const Guest& guest) {
    return guest.desired != Desired::gone && !failed(guest) && guest.phase != Judged::to_phase(guest.desired);
}

double per_minute(const Pool& pool) {
    return pool.pace > Duration::zero() ? 60'000.0 * in_the_making / static_cast<double>(pool.pace.count()) : 0;
}

Duration pause_after(long long failures) {
    const auto doublings = std::clamp(failures - PoolKeeper::breaker_opens_at, 0LL, 16LL);
    return std::min<Duration>(first_pause * (1LL << doublings), longest_pause);
}

std::vector<PoolMember> of_pool(const std::vector<PoolMember>& members, PoolId id) {
    std::vector<PoolMember> result;
    std::copy_if(members.begin(), members.end(), std::back_inserter(result),
                 [&](const PoolMember& member) { return member.guest.pool == id; });
    return result;
}

std::vector<Judged> judged(const std::vector<PoolMember>& members, const std::optional<Reservation>& now) {
    std::vector<Judged> result;
    for (const PoolMember& member : members) result.push_back(judge(member, now));
    return result;
}

}  // namespace

/// What one round goes by.
struct PoolKeeper::Round {
    std::vector<PoolMember> members;
    bool memory_short = false;
    long long room = in_the_making;  ///< how many more may be in the making
    bool waits = false;              ///< a pool until nobody asks
    std::vector<GuestId> changed{};  ///< the herd is to be told of
};

PoolKeeper::PoolKeeper(PoolParts parts) : parts_(std::move(parts)) {}

PoolKeeper::~PoolKeeper() { parts_.rounds.end(); }

void PoolKeeper::start() {
    parts_.rounds.start("pools", 10, [this] {
        std::this_thread::sleep_for(collect);
        try {
            return round();
        } catch (const std::exception& error) {
            spdlog::warn("pools: {}", error.what());
            return between_looks;
        }
    });
}

Duration PoolKeeper::round() {
    auto pools = parts_.registry.pools.list();
    Round round{.members = parts_.registry.pools.members(), .memory_short = is_short_of_memory(parts_.load())};
    if (pools.empty() && round.members.empty()) return without_pools;
    if (!parts_.may_run()) return between_looks;
    forget_old_arrivals();
    drop_orphans(pools, round);
    for (const PoolMember& member : round.members)
        if (is_in_the_making(member.guest)) --round.room;
    if (!pools.empty()) std::rotate(pools.begin(), pools.begin() + turn_++ % std::ssize(pools), pools.end());
    for (const Pool& pool : pools) {
        Memory memory = (*memories_.lock())[pool.id];
        keep(pool, round, memory);
        (*memories_.lock())[pool.id] = memory;
    }
    parts_.nudge(round.changed);
    return round.waits ? parts_.calm : between_looks;
}

void PoolKeeper::forget_old_arrivals() {
    if (Clock::now() < forget_at_) return;
    parts_.registry.pools.forget_old_arrivals();
    forget_at_ = Clock::now() + between_forgetting;
}

/// Members that a pool left behind which is no more.
void PoolKeeper::drop_orphans(const std::vector<Pool>& pools, Round& round) {
    for (const PoolMember& member : round.members) {
        const auto is_its = [&](const Pool& pool) { return pool.id == member.guest.pool; };
        if (member.guest.desired != Desired::gone && std::none_of(pools.begin(), pools.end(), is_its))
            drop(round, {member.guest.id}, "its pool is no more");
    }
}

void PoolKeeper::keep(const Pool& pool, Round& round, Memory& memory) {
    const auto members = of_pool(round.members, pool.id);
    if (pool.draining && members.empty()) {
        parts_.registry.pools.end_drain(pool);
        return;
    }
    note_breaker(pool, memory);
    const auto as = reservation(pool, memory);
    const auto seen = judged(members, as);
    const auto target = target_of(pool);
    const Levels levels = levels_of(seen);
    const bool has_enough = 4 * (levels.parked + levels.stopped) > target + pool.targets.stopped;
    // Who failed is counted first: it may open the breaker.
    const bool any_failed = std::any_of(seen.begin(), seen.end(), [](const Judged& one) { return one.spoiled; });
    const bool may_make = as && !pool.draining && !any_failed && Clock::now() >= memory.retry_at &&
                          !(has_enough && is_asked(pool, round, memory));
    const Wanted wanted{.stopped = pool.targets.stopped,
                        .parked = target,
                        .room = may_make ? static_cast<int>(std::min(round.room, is_open(pool) ? 1LL : round.room)) : 0,
                        .memory_short = round.memory_short,
                        .leaving = pool.draining ? leaving_at_a_drain : leaving_at_once};
    const Moves moves = balance(seen, wanted);
    for (const GuestId id : moves.drop_spoiled) drop_spoiled(round, id);
    drop(round, moves.drop_outdated, "it is outdated: new guests get another version or size");
    drop(round, moves.drop_surplus, round.memory_short ? "the host is short of memory" : "there are more than wanted");
    for (const PoolMember& member : members)
        if (std::count(moves.park.begin(), moves.park.end(), member.guest.id) > 0 &&
            parts_.registry.pools.park(member.guest))
            round.changed.push_back(member.guest.id);
    round.room -= std::ssize(moves.park);
    if (may_make) make(pool, *as, moves, round, memory);
    tell_levels(pool, levels, target, round.memory_short, memory);
}

/// Somebody did a moment ago: to make one now would slow him down who asks for the next of those that are there.
bool PoolKeeper::is_asked(const Pool& pool, Round& round, Memory& memory) const {
    if (std::exchange(memory.taken, pool.taken) != pool.taken) memory.taken_at = Clock::now();
    const bool is_asked = Clock::now() < memory.taken_at + parts_.calm;
    round.waits = round.waits || is_asked;
    return is_asked;
}

/// Nothing, and why in `memory`, when requests of this sort could not be served either.
std::optional<Reservation> PoolKeeper::reservation(const Pool& pool, Memory& memory) const {
    try {
        memory.trouble.clear();
        return parts_.reservation(pool.key);
    } catch (const Error& error) {
        memory.trouble = error.what();
        return std::nullopt;
    }
}

void PoolKeeper::make(const Pool& pool, const Reservation& as, const Moves& moves, Round& round, Memory& memory) {
    try {
        for (const auto& [desired, count] :
             {std::pair(Desired::parked, moves.make_parked), std::pair(Desired::stopped, moves.make_stopped)}) {
            if (count == 0) continue;
            const auto ids = parts_.registry.pools.make(pool, as, desired, count);
            round.changed.insert(round.changed.end(), ids.begin(), ids.end());
            round.room -= count;
        }
    } catch (const Error& error) {  // no free address: later
        memory.trouble = error.what();
        memory.retry_at = Clock::now() + first_pause;
    }
}

void PoolKeeper::drop(Round& round, const std::vector<GuestId>& ids, const std::string& reason) {
    for (const PoolMember& member : round.members) {
        if (std::count(ids.begin(), ids.end(), member.guest.id) == 0) continue;
        if (parts_.registry.pools.drop(member, reason, false)) round.changed.push_back(member.guest.id);
    }
}

/// One that never got where it should be counts as a failure of its pool; who was there may die of anything.
void PoolKeeper::drop_spoiled(Round& round, GuestId id) {
    for (const PoolMember& member : round.members) {
        if (member.guest.id != id) continue;
        const auto why = parts_.registry.pools.last_trouble(member.guest);
        if (parts_.registry.pools.drop(member, why, member.guest.good.empty())) round.changed.push_back(id);
    }
}

bool PoolKeeper::is_open(const Pool& pool) { return pool.failures >= breaker_opens_at; }

void PoolKeeper::note_breaker(const Pool& pool, Memory& memory) {
    if (is_open(pool) && memory.failures != pool.failures) {
        const auto pause = pause_after(pool.failures);
        memory.retry_at = Clock::now() + pause;
        parts_.registry.events.add("pool-breaker", "", std::nullopt,
                                   fmt::format("{}: {} members in a row failed, tried again in {}: {}",
                                               to_text(pool.key), pool.failures, to_text(pause), pool.reason));
    }
    if (!is_open(pool) && memory.failures >= breaker_opens_at) {
        memory.retry_at = {};
        parts_.registry.events.add("pool-breaker", "", std::nullopt,
                                   fmt::format("{}: makes members again", to_text(pool.key)));
    }
    memory.failures = pool.failures;
}

void PoolKeeper::tell_once(bool& told, bool holds, const Pool& pool, const std::string& kind,
                           const std::string& message) {
    if (holds && !told)
        parts_.registry.events.add(kind, "", std::nullopt, fmt::format("{}: {}", to_text(pool.key), message));
    told = holds;
}

void PoolKeeper::tell_levels(const Pool& pool, const Levels& levels, long long target, bool memory_short,
                             Memory& memory) {
    const auto there = levels.parked + levels.stopped, wanted = target + pool.targets.stopped;
    const auto level = fmt::format("{} of {} parked, {} of {} stopped, {:.1f} a minute", levels.parked, target,
                                   levels.stopped, pool.targets.stopped, per_minute(pool));
    tell_once(memory.told_full, wanted > 0 && there >= wanted, pool, "pool-full", level);
    tell_once(memory.told_empty, wanted > 0 && there == 0 && pool.made > 0, pool, "pool-empty", level);
    tell_once(memory.told_memory, memory_short && wanted > 0, pool, "pool-memory",
              "the host is short of memory: parked members go, the oldest first");
}

/// Before anybody's start is held for it.
bool PoolKeeper::is_short_of_memory(const HostLoad& load) const {
    const Brakes& brakes = parts_.config.waves.refill.brakes;
    const bool pressed = (brakes.memory_some && load.memory_some.value_or(0) > *brakes.memory_some) ||
                         (brakes.memory_full && load.memory_full.value_or(0) > *brakes.memory_full);
    const bool little = brakes.free_memory && load.free_memory && *load.free_memory < 2 * *brakes.free_memory;
    return pressed || little;
}

long long PoolKeeper::target_of(const Pool& pool) const {
    if (pool.draining) return 0;
    const auto by_schedule = scheduled(pool.targets.schedule, minute_of_week());
    long long by_demand = 0;
    if (pool.targets.demand) {
        const auto pace = pool.pace > Duration::zero() ? pool.pace / in_the_making : unknown_pace;
        by_demand = demanded(parts_.registry.pools.arrivals(pool.id), pace, *pool.targets.demand);
    }
    return parked_target(pool.targets, by_schedule, by_demand);
}

std::vector<PoolState> PoolKeeper::states() {
    const auto members = parts_.registry.pools.members();
    std::vector<PoolState> states;
    for (const Pool& pool : parts_.registry.pools.list()) {
        Memory memory = (*memories_.lock())[pool.id];
        const auto as = reservation(pool, memory);
        PoolState state{.pool = pool,
                        .levels = levels_of(judged(of_pool(members, pool.id), as)),
                        .parked_target = target_of(pool),
                        .trouble = is_open(pool) ? pool.reason : memory.trouble,
                        .retry_in = std::nullopt,
                        .per_minute = per_minute(pool)};
        if (is_open(pool))
            state.retry_in = std::max(Duration::zero(), std::chrono::ceil<Duration>(memory.retry_at - Clock::now()));
        states.push_back(std::move(state));
    }
    return states;
}

}  // namespace drover
