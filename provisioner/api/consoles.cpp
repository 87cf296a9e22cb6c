#include <fmt/format.h>

#include <algorithm>

#include "api/routes.hpp"
#include "api/visible.hpp"

namespace drover::api {
namespace {

constexpr Duration log_pace = std::chrono::milliseconds(300);

Error refusal(const Guest& guest, const std::string& why, const std::string& hint) {
    return {ErrorKind::refused, fmt::format("{} {}", guest.name, why), hint};
}

/// There is a console to sit at while its domain runs.
void expect_running(const Guest& guest) {
    if (guest.phase == Phase::starting || guest.phase == Phase::ready || guest.phase == Phase::stopping) return;
    const bool can_start = guest.phase == Phase::stopped || guest.phase == Phase::reserved;
    throw refusal(guest, fmt::format("is {}: nobody is at its console", to_text(guest.phase)),
                  can_start ? "drover start " + guest.name : "");
}

/// It may just have been started, or have ended without anybody's notice yet.
void open_console(const Doors& doors, const Guest& guest) {
    try {
        doors.herd.open_console(guest.id);
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found) throw;
        throw refusal(guest, fmt::format("does not run, though it is {}", to_text(guest.phase)),
                      "try again in a moment");
    }
    if (!doors.consoles.is_open(guest.id))
        throw refusal(guest, "has no console", "only guests of a real hypervisor have one");
}

std::string last_lines(const std::string& text, int count) {
    auto from = text.size();
    if (text.ends_with('\n')) --from;
    for (; count > 0; --count) {
        const auto end = from == 0 ? std::string::npos : text.rfind('\n', from - 1);
        if (end == std::string::npos) return text;
        from = end;
    }
    return text.substr(from + 1);
}

std::string log_of(const Doors& doors, const Guest& guest, const wire::LogQuery& query) {
    const auto text = doors.consoles.logs().read(guest.id, query.boot);
    if (!text && query.boot == 0) return "";
    if (!text)
        throw Error(ErrorKind::not_found,
                    fmt::format("{} has no log of {} start{} ago", guest.name, query.boot, query.boot == 1 ? "" : "s"),
                    "the last ones are kept: consoles.boots of the configuration says how many");
    return query.lines > 0 ? last_lines(*text, query.lines) : *text;
}

/// What there is first, then what comes, until the guest is gone.
Answer follow(const Doors& doors, const Guest& guest, const wire::LogQuery& query) {
    Answer stream{.type = "application/octet-stream", .pace = log_pace};
    stream.more = [&doors, id = guest.id, place = doors.consoles.logs().end(guest.id),
                   first = std::optional(log_of(doors, guest, query))]() mutable -> std::optional<std::string> {
        if (first && !first->empty()) return *std::exchange(first, std::nullopt);
        auto text = doors.consoles.logs().more(id, place);
        if (!text.empty()) return text;
        const auto now = doors.registry.guests.get(id);
        if (!now || now->phase == Phase::gone) return std::nullopt;
        return text;
    };
    return stream;
}

}  // namespace

std::optional<Answer> show_console(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Guest guest = visible_guest(doors, call, call.part(2));
    wire::Json visitor;
    if (const auto visit = doors.consoles.visitor(guest.id))
        visitor = {{"who", visit->who}, {"since", to_rfc3339(visit->since)}};
    return answer({{"open", doors.consoles.is_open(guest.id)}, {"phase", to_text(guest.phase)}, {"visitor", visitor}});
}

std::optional<Answer> attach_console(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const bool by_force = wire::decode_console(wire::parse(call.body));
    const Guest guest = visible_guest(doors, call, call.part(2));
    if (call.upgrade != wire::console_protocol)
        throw Error(ErrorKind::usage, "a console is no HTTP",
                    fmt::format("send the headers Connection: Upgrade and Upgrade: {}", wire::console_protocol));
    expect_running(guest);
    open_console(doors, guest);
    const auto seat = doors.consoles.take_seat(guest.id, call.caller.who(), by_force);
    doors.registry.events.add("console", guest.name, std::nullopt,
                              fmt::format("{} sits at its console", call.caller.who()));
    return Answer{.status = 101,
                  .take_over = [&consoles = doors.consoles, seat](
                                   UniqueFd visitor,
                                   const std::string& said) { consoles.sit_down(seat, std::move(visitor), said); },
                  .protocol = wire::console_protocol};
}

std::optional<Answer> show_log(const Doors& doors, const Call& call) {
    const wire::LogQuery query = wire::decode_log_query(call.target.parameters);
    const Guest guest = visible_guest(doors, call, call.part(2));
    if (query.follow) return follow(doors, guest, query);
    return Answer{.body = log_of(doors, guest, query), .type = "application/octet-stream"};
}

}  // namespace drover::api
