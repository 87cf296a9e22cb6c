#pragma once
#include <string>
#include <vector>

#include "model/pool.hpp"

/// What a pool lacks and what it has too much of. Pure.
namespace drover {

/// A member, as its pool judges it.
struct Judged {
    GuestId id = 0;
    Desired desired = Desired::parked;
    Phase phase = Phase::reserved;
    bool current = true;   ///< of the version and size that requests get
    bool spoiled = false;  ///< it failed, stopped unasked, or is stale: never repaired, never handed out

    /// Where it should be, to be handed out.
    [[nodiscard]] bool is_there() const { return current && !spoiled && phase == to_phase(desired); }
    static Phase to_phase(Desired desired) { return desired == Desired::parked ? Phase::parked : Phase::stopped; }
};

/// What is wanted of a pool now.
struct Wanted {
    long long stopped = 0, parked = 0;
    int room = 0;               ///< how many more may be in the making
    bool memory_short = false;  ///< of this host: those that are parked go
    int leaving = 1;            ///< so many may be on their way out at once, but for the spoiled
};

/// What is to be done.
struct Moves {
    std::vector<GuestId> drop_spoiled;
    std::vector<GuestId> drop_outdated;  ///< the oldest first
    std::vector<GuestId> drop_surplus;   ///< the oldest first; where memory is short, one
    std::vector<GuestId> park;           ///< that are off and too many there
    long long make_stopped = 0, make_parked = 0;
    bool operator==(const Moves&) const = default;
};
/// `members` by age, the oldest first.
Moves balance(const std::vector<Judged>& members, const Wanted& wanted);

/// How full a pool with these members is.
Levels levels_of(const std::vector<Judged>& members);

}  // namespace drover
