#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/guest.hpp"

/// Pools as values and the arithmetic of their targets. Pure.
namespace drover {

/// What the members of a pool are. One pool for each.
struct PoolKey {
    std::string image, profile;
    Kind kind = Kind::vm;
    bool operator==(const PoolKey&) const = default;
};
/// "tiny/basic/vm", as events and people say it.
std::string to_text(const PoolKey& key);

/// A target that counts from a moment of the week on, by the host's local time, until the next entry's.
struct ScheduleEntry {
    std::vector<int> days;  ///< 0 Monday - 6 Sunday, each once, rising
    int minute = 0;         ///< of the day
    int parked = 0;         ///< how many there are to be from then on
    bool operator==(const ScheduleEntry&) const = default;
};
/// "Mon 8:00 60", "Mon-Fri 18:30 5", "Sat,Sun 0:00 0", "daily 7:00 20". Error{usage} naming the text.
ScheduleEntry parse_schedule_entry(std::string_view text);
std::string to_text(const ScheduleEntry& entry);

inline constexpr int minutes_of_week = 7 * 24 * 60;
/// What the schedule says at this minute of the week (0: Monday 0:00): the entry that began last counts, whatever the
/// clock said before. Nothing without entries.
std::optional<int> scheduled(const std::vector<ScheduleEntry>& schedule, int minute_of_week);

/// Guests that somebody asked for.
struct Arrival {
    Time when;
    long long count = 0;
};
/// How many are to stand ready so that of 100 of these arrivals `percent` find all that they ask for, where `pace`
/// passes until one that was taken is made again: the quantile of what was taken and not yet made again at each.
/// `arrivals` in the order in which they came.
long long demanded(const std::vector<Arrival>& arrivals, Duration pace, int percent);

/// How many members there are to be.
struct PoolTargets {
    long long stopped = 0;  ///< built and off
    long long parked = 0;   ///< run once and paused, without an identity
    std::vector<ScheduleEntry> schedule;
    std::optional<int> demand;  ///< percent of the requests that are to be served at once
    bool operator==(const PoolTargets&) const = default;
};
/// The largest of what is fixed and what the demand asks for; where there is a schedule, it stands for what is fixed.
/// Never more than most_members.
long long parked_target(const PoolTargets& targets, std::optional<int> by_schedule, long long by_demand);
inline constexpr long long most_members = 1000;

/// One pool, as the registry keeps it.
struct Pool {
    PoolId id = 0;
    PoolKey key;
    PoolTargets targets;
    bool draining = false;          ///< its members go, and then it
    long long failures = 0;         ///< members in a row that could not be made
    std::string reason;             ///< why the last of them could not
    long long made = 0, taken = 0;  ///< members, ever
    Duration pace{0};               ///< that one took to be made, a moving mean; 0: none was made yet
};

/// How full a pool is.
struct Levels {
    long long stopped = 0, parked = 0;  ///< there, to be handed out
    long long making = 0;               ///< on their way there
    long long outdated = 0, leaving = 0;
    bool operator==(const Levels&) const = default;
};

/// How a pool is, for people and programs.
struct PoolState {
    Pool pool;
    Levels levels;
    long long parked_target = 0;       ///< now, by what is fixed, the schedule and the demand
    std::string trouble;               ///< why nothing is made; empty: nothing is in the way
    std::optional<Duration> retry_in;  ///< until it is tried again
    double per_minute = 0;             ///< members that it makes, at its pace; 0: not known
};

/// `drover pool set`: what is absent stays as it is, or is the default of a new pool.
struct PoolChange {
    std::string image;
    std::optional<std::string> profile;
    std::optional<Kind> kind;
    std::optional<long long> stopped, parked;
    std::optional<std::vector<ScheduleEntry>> schedule;
    std::optional<int> demand;  ///< 0: none
};

/// A guest of a pool, as its pool judges it.
struct PoolMember {
    Guest guest;
    std::string size;  ///< that it was made with
};

/// What a guest is made with, as members and requests compare it: "100663296/1/1073741824".
std::string size_text(long long memory, int cpus, long long disk);

}  // namespace drover
