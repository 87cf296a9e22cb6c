#include <fmt/format.h>

#include "api/routes.hpp"

namespace drover::api {
namespace {

void check_visible(const Call& call, const std::string& name) {
    if (call.visible_owner && *call.visible_owner != name) {
        throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", name));
    }
}

}  // namespace

std::optional<Answer> list_owners(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    Rows rows;
    for (const Owner& owner : doors.registry.owners.list()) {
        if (!call.visible_owner || *call.visible_owner == owner.name) rows.add(wire::encode(owner));
    }
    return std::move(rows).answer();
}

std::optional<Answer> show_owner(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    check_visible(call, call.part(2));
    return answer(wire::encode(doors.registry.owners.get(call.part(2))));
}

/// Administrators set everything, an owner the own keys. New keys reach running guests at once.
std::optional<Answer> set_owner(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const OwnerChange change = wire::decode_owner_change(call.part(2), wire::parse(call.body));
    check_visible(call, change.name);
    if (!call.caller.administrator && (change.quota || change.login)) {
        throw Error(ErrorKind::denied, "only an administrator sets a quota or a login", "an owner may set own keys");
    }
    const Owner owner = doors.registry.owners.set(change, doors.config.quota);
    doors.herd.nudge(doors.registry.guests.ids_of(owner.name));
    return answer(wire::encode(owner));
}

std::optional<Answer> remove_owner(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    doors.registry.owners.remove(call.part(2));
    return answer(wire::Json::object());
}

}  // namespace drover::api
