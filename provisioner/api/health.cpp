#include <algorithm>

#include "api/routes.hpp"
#include "api/visible.hpp"

namespace drover::api {
namespace {

/// An owner is told of the own guests alone.
HealthState state_for(const Doors& doors, const Call& call, const std::vector<GuestHealth>& guests) {
    HealthState state = doors.health.state();
    if (!call.visible_owner) return state;
    const auto count = [&](Wellness wellness) {
        return std::count_if(guests.begin(), guests.end(),
                             [&](const GuestHealth& guest) { return guest.wellness == wellness; });
    };
    state.silent = count(Wellness::silent);
    state.healing = count(Wellness::healing);
    state.watched = count(Wellness::well) + state.silent + state.healing;
    return state;
}

}  // namespace

std::optional<Answer> list_health(const Doors& doors, const Call& call) {
    const auto globs = wire::decode_copy_query(call.target.parameters);
    const auto guests =
        doors.health.of(doors.registry.guests.list({.selection = {.globs = globs}}, call.visible_owner));
    wire::Json result = wire::encode(state_for(doors, call, guests));
    auto& rows = result["guests"] = wire::Json::array();
    for (const GuestHealth& guest : guests) rows.push_back(wire::encode(guest));
    return answer(result);
}

std::optional<Answer> explain_health(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return answer(wire::encode(doors.health.story(visible_guest(doors, call, call.part(2)))));
}

std::optional<Answer> pause_health(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto order = wire::decode_pause(wire::parse(call.body));
    doors.health.pause(call.caller, order.lasts, order.reason);
    return answer(wire::encode(doors.health.state()));
}

std::optional<Answer> resume_health(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    wire::decode_nothing(wire::parse(call.body));
    doors.health.resume(call.caller);
    return answer(wire::encode(doors.health.state()));
}

}  // namespace drover::api
