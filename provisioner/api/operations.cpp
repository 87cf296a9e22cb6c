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

/// What holds the next of its guests, and when the last of them is expected to be where it should be.
wire::Outlook outlook_of(const Doors& doors, const Operation& operation) {
    if (operation.finished) return {};
    const auto guests = doors.registry.guests.last_written_by(operation.id);
    wire::Outlook outlook{.waits_for = "", .ends_in = last_end(doors.herd.plan(guests))};
    for (auto guest = guests.begin(); guest != guests.end() && outlook.waits_for.empty(); ++guest) {
        outlook.waits_for = doors.herd.waits_for(guest->id);
    }
    return outlook;
}

/// The operation that a request without fields is about.
OperationId visible_target(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    wire::decode_nothing(wire::parse(call.body));
    const OperationId id = parse_operation_name(call.part(2));
    visible_summary(doors, call, id);
    return id;
}

Answer hold(const Doors& doors, const Call& call, bool paused) {
    const OperationId id = visible_target(doors, call);
    doors.registry.operations.pause(call.caller, id, paused);
    doors.herd.obey(id);
    return answer(wire::operation_with_items(doors.registry.operations.get(id)));
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
    auto json = wire::operation_with_items(doors.registry.operations.get(id));
    if (wait.outlook) json = wire::with_outlook(std::move(json), outlook_of(doors, summary));
    return answer(json);
}

std::optional<Answer> pause_operation(const Doors& doors, const Call& call) { return hold(doors, call, true); }

std::optional<Answer> resume_operation(const Doors& doors, const Call& call) { return hold(doors, call, false); }

std::optional<Answer> cancel_operation(const Doors& doors, const Call& call) {
    const OperationId id = visible_target(doors, call);
    doors.herd.nudge(doors.registry.operations.cancel(call.caller, id));
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
                   since = query.since]() mutable -> std::optional<std::string> {
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
