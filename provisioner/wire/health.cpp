#include <algorithm>

#include "wire/fields.hpp"
#include "wire/wire.hpp"

namespace drover::wire {
namespace {

constexpr std::size_t longest_reason = 200;

/// It is shown on terminals.
bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

Json time_or_null(const std::optional<Time>& time) { return time ? Json(to_rfc3339(*time)) : Json(nullptr); }

double seconds(Duration duration) { return static_cast<double>(duration.count()) / 1000; }

Json seconds_or_null(const std::optional<Duration>& duration) {
    return duration ? Json(seconds(*duration)) : Json(nullptr);
}

}  // namespace

Json encode(const GuestLevels& levels) {
    return {{"heard", to_rfc3339(levels.heard)}, {"clock_ahead", seconds(levels.ahead)},
            {"disk_used", levels.disk_used},     {"disk_size", levels.disk_size},
            {"memory_free", levels.memory_free}, {"memory_size", levels.memory_size}};
}

Json encode(const HealthState& state) {
    return {{"ladder", to_text(state.ladder)},
            {"reason", text_or_null(state.reason)},
            {"since", time_or_null(state.since)},
            {"ends_in", seconds_or_null(state.ends_in)},
            {"watched", state.watched},
            {"silent", state.silent},
            {"healing", state.healing}};
}

Json encode(const GuestHealth& health) {
    return {{"guest", health.name},
            {"state", to_text(health.wellness)},
            {"heard", time_or_null(health.heard)},
            {"silence", seconds_or_null(health.silence)},
            {"tries", health.tries},
            {"next", health.next}};
}

Json encode(const HealthStory& story) {
    Json result = encode(story.now);
    result["whole"] = encode(story.whole);
    result["tries_forgotten_in"] = seconds_or_null(story.tries_forgotten_in);
    result["levels"] = story.levels ? encode(*story.levels) : Json(nullptr);
    result["decisions"] = Json::array();
    for (const Decision& decision : story.decisions)
        result["decisions"].push_back({{"time", to_rfc3339(decision.time)}, {"text", decision.text}});
    return result;
}

Json encode(const PauseOrder& order) {
    Json body = Json::object();
    if (order.lasts) body["for"] = to_text(*order.lasts);
    if (!order.reason.empty()) body["reason"] = order.reason;
    return body;
}

PauseOrder decode_pause(const Json& body) {
    Fields fields(body, "the request");
    PauseOrder order;
    if (const auto lasts = fields.text("for")) order.lasts = parse_duration(*lasts);
    order.reason = fields.text("reason", longest_reason).value_or("");
    fields.expect_no_others();
    if (std::any_of(order.reason.begin(), order.reason.end(), is_control))
        throw Error(ErrorKind::usage, "the reason has control characters in it", "one line of text says it");
    if (order.lasts && *order.lasts == Duration::zero())
        throw Error(ErrorKind::usage, "a pause for 0 is none", "give a duration like 2h, or none");
    return order;
}

}  // namespace drover::wire
