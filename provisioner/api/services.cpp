#include "api/routes.hpp"

namespace drover::api {

std::optional<Answer> list_services(const Doors& doors, const Call& call) {
    const auto selection = wire::decode_service_query(call.target.parameters);
    Rows rows;
    for (const ServiceRow& row : doors.herd.services().list(selection, call.visible_owner)) rows.add(wire::encode(row));
    return std::move(rows).answer();
}

std::optional<Answer> change_services(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto change = wire::decode_service_change(wire::parse(call.body));
    const auto operation = doors.herd.services().change(call.caller, change, call.visible_owner);
    return answer(wire::operation_with_items(operation), 202);
}

std::optional<Answer> tell_keys(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto selection = wire::decode_key_change(wire::parse(call.body));
    const auto operation = doors.herd.services().tell_keys(call.caller, selection, call.visible_owner);
    return answer(wire::operation_with_items(operation), 202);
}

std::optional<Answer> tell_password(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto change = wire::decode_password_change(wire::parse(call.body));
    const auto operation = doors.herd.services().tell_password(call.caller, change, call.visible_owner);
    return answer(wire::operation_with_items(operation), 202);
}

}  // namespace drover::api
