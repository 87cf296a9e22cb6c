#include "api/routes.hpp"

namespace drover::api {
namespace {

/// The pool that is meant, with what was left open as a request would have it.
PoolKey key_of(const Doors& doors, const PoolChange& change) {
    const GuestRequest request{.image = change.image, .profile = change.profile, .kind = change.kind};
    const Reservation as = reservation_for(doors.makings(), request);
    return {as.image, as.profile, as.kind};
}

/// Also one whose image is not there any more: what is left open fits any.
PoolKey key_of_existing(const Doors& doors, const PoolChange& change) {
    for (const Pool& pool : doors.registry.pools.list())
        if (pool.key.image == change.image && pool.key.profile == change.profile.value_or(pool.key.profile) &&
            pool.key.kind == change.kind.value_or(pool.key.kind))
            return pool.key;
    return {change.image, change.profile.value_or("*"), change.kind.value_or(Kind::vm)};
}

std::optional<Answer> state_of(const Doors& doors, PoolId id) {
    for (const PoolState& state : doors.pools.states())
        if (state.pool.id == id) return answer(wire::encode(state));
    return answer(wire::Json::object());
}

}  // namespace

std::optional<Answer> list_pools(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    Rows rows;
    for (const PoolState& state : doors.pools.states()) rows.add(wire::encode(state));
    return std::move(rows).answer();
}

std::optional<Answer> set_pool(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const PoolChange change = wire::decode_pool_change(wire::parse(call.body));
    const Pool pool = doors.registry.pools.set(call.caller, key_of(doors, change), change);
    doors.pool_rounds.wake();
    return state_of(doors, pool.id);
}

std::optional<Answer> drain_pool(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const PoolChange change = wire::decode_pool_name(wire::parse(call.body));
    const Pool pool = doors.registry.pools.drain(call.caller, key_of_existing(doors, change));
    doors.pool_rounds.wake();
    return state_of(doors, pool.id);
}

}  // namespace drover::api
