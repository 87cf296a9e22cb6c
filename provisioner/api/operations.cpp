#include <fmt/format.h>

#include "api/routes.hpp"

namespace drover::api {
namespace {

/// All operations exist for administrators, the own for anybody else.
std::vector<Operation> visible_operations(const Doors& doors, const Call& call, int limit) {
    Operations& operations = doors.registry.operations;
    return call.visible_owner ? operations.list_of(limit, call.caller, *call.visible_owner) : operations.list(limit);
}

Operation visible_summary(const Doors& doors, const Call& call, OperationId id) {
    Operations& operations = doors.registry.operations;
    return call.visible_owner ? operations.summary_of(id, call.caller, *call.visible_owner) : operations.summary(id);
}

}  // namespace

std::optional<Answer> list_operations(const Doors& doors, const Call& call) {
    Rows rows;
    for (const Operation& operation :
         visible_operations(doors, call, wire::decode_limit(call.target.parameters, 100))) {
        rows.add(wire::operation_listing(operation));
    }
    return std::move(rows).answer();
}

std::optional<Answer> show_operation(const Doors& doors, const Call& call) {
    const wire::OperationWait wait = wire::decode_operation_wait(call.target.parameters);
    const OperationId id = parse_operation_name(call.part(2));
    // Whoever waits comes here after each news: the items are read once, for the answer.
    const Operation summary = visible_summary(doors, call, id);
    if (!summary.finished && summary.done <= wait.done && call.waited < wait.wait) return std::nullopt;
    return answer(wire::operation_with_items(doors.registry.operations.get(id)));
}

std::optional<Answer> list_events(const Doors& doors, const Call& call) {
    const wire::EventQuery query = wire::decode_event_query(call.target.parameters);
    Registry& registry = doors.registry;
    if (!query.follow) {
        Rows rows;
        for (const Event& event : registry.events.since(query.since, query.limit, call.visible_owner)) {
            rows.add(wire::encode(event));
        }
        return std::move(rows).answer();
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
