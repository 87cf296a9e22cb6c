#pragma once
#include <string>
#include <vector>

#include "model/pool.hpp"
#include "model/requests.hpp"
#include "registry/aggregates/guests.hpp"

namespace drover {

class Session;

/// Pools and their members: guests without an owner.
class Pools {
  public:
    explicit Pools(Session& session) : session_(session) {}

    /// Creates or changes the pool of `sort`. Error{usage} when nothing is to be in it.
    Pool set(const Caller& caller, const PoolKey& sort, const PoolChange& change);
    /// Its members are to go, and when they are gone the pool is. Error{not_found} "no pool ...".
    Pool drain(const Caller& caller, const PoolKey& sort);
    /// By image, profile, kind.
    std::vector<Pool> list();
    /// All guests without owner that are not gone, by id; also one whose pool is no more.
    std::vector<PoolMember> members();
    /// New members that are to be `desired`, of what `as` says; their ids. Error{refused} when addresses are short.
    std::vector<GuestId> make(const Pool& pool, const Reservation& as, Desired desired, long long count);
    /// An ownerless one that is off is to be parked. False: it is not there any more.
    bool park(const Guest& member);
    /// It is to go, for this reason. `failed`: it could not be made, which the pool counts. False: it is not as it was
    /// any more, it may have an owner.
    bool drop(const PoolMember& member, const std::string& reason, bool failed);
    /// What was asked for lately, in the order in which it came.
    std::vector<Arrival> arrivals(PoolId id);
    /// Arrivals are kept for a day.
    void forget_old_arrivals();
    /// A pool that is drained and empty is no more. False: it is not.
    bool end_drain(const Pool& pool);
    /// Why the guest failed, as the log tells it last.
    std::string last_trouble(const Guest& guest);

  private:
    Session& session_;
};

}  // namespace drover
