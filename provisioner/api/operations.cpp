#include <fmt/format.h>

#include <algorithm>

#include "api/routes.hpp"

namespace drover::api {
namespace {

/// An operation is visible to administrators and to who asked for it.
bool may_see(const Call& call, const Operation& operation) {
    return call.caller.administrator || operation.who == call.caller.name;
}

}  // namespace

std::optional<Answer> list_operations(const Doors& doors, const Call& call) {
    wire::Json listings = wire::Json::array();
    for (const Operation& operation : doors.registry.operations.list(wire::decode_limit(call.target.parameters, 100))) {
        if (may_see(call, operation)) listings.push_back(wire::operation_listing(operation));
    }
    return answer(listings);
}

std::optional<Answer> show_operation(const Doors& doors, const Call& call) {
    const wire::OperationWait wait = wire::decode_operation_wait(call.target.parameters);
    const Operation operation = doors.registry.operations.get(parse_operation_name(call.part(2)));
    if (!may_see(call, operation)) throw Error(ErrorKind::not_found, fmt::format("no operation '{}'", call.part(2)));
    if (!operation.finished && operation.done <= wait.done && call.waited < wait.wait) return std::nullopt;
    return answer(wire::operation_with_items(operation));
}

std::optional<Answer> list_events(const Doors& doors, const Call& call) {
    const wire::EventQuery query = wire::decode_event_query(call.target.parameters);
    Registry& registry = doors.registry;
    if (!query.follow) {
        wire::Json listings = wire::Json::array();
        for (const Event& event : registry.events.since(query.since, query.limit, call.visible_owner)) {
            listings.push_back(wire::encode(event));
        }
        return answer(listings);
    }
    Answer stream{.type = "text/event-stream"};
    // A caller who does not read holds one batch of them here.
    stream.more = [&registry, limit = std::min(query.limit, 100), owner = call.visible_owner,
                   since = query.since]() mutable {
        std::string text;
        for (const Event& event : registry.events.since(since, limit, owner)) {
            text += fmt::format("id: {}\ndata: {}\n\n", event.id, wire::dump(wire::encode(event)));
            since = event.id;
        }
        return text;
    };
    return stream;
}

}  // namespace drover::api
