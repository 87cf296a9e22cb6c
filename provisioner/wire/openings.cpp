#include <algorithm>

#include "wire/fields.hpp"
#include "wire/wire.hpp"

namespace drover::wire {
namespace {

constexpr std::size_t longest_reason = 200;

/// It is shown on terminals.
bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }

std::optional<Duration> read_length(Fields& fields) {
    const auto text = fields.text("for");
    if (!text) return std::nullopt;
    const auto lasts = parse_duration(*text);
    if (lasts == Duration::zero())
        throw Error(ErrorKind::usage, "an opening for 0 is none", "give a duration like 90m, or none");
    return lasts;
}

std::string read_source(Fields& fields) {
    const auto text = fields.text("from");
    if (!text) return "";
    const auto source = parse_source(*text);
    return is_everybody(source) ? "" : to_text(source);
}

}  // namespace

Json encode(const Opening& opening) {
    return {{"guest", opening.guest_name},
            {"port", to_text(opening.port)},
            {"from", text_or_null(opening.source)},
            {"host_port", opening.host_port ? Json(*opening.host_port) : Json(nullptr)},
            {"opened", to_rfc3339(opening.opened)},
            {"closes", to_rfc3339(now() + opening.left)},
            {"left", static_cast<double>(opening.left.count()) / 1000},
            {"extended", opening.extended},
            {"who", opening.who},
            {"reason", opening.reason}};
}

Json encode(const OpeningRequest& request) {
    Json body{{"port", to_text(request.port)}};
    if (request.lasts) body["for"] = to_text(*request.lasts);
    if (!request.source.empty()) body["from"] = request.source;
    if (!request.reason.empty()) body["reason"] = request.reason;
    if (request.publish) body["publish"] = true;
    return body;
}

OpeningRequest decode_opening_request(const std::string& guest, const Json& body) {
    Fields fields(body, "the request");
    OpeningRequest request{.guest = guest, .port = parse_service_port(fields.need_text("port"))};
    request.lasts = read_length(fields);
    request.source = read_source(fields);
    request.reason = fields.text("reason", longest_reason).value_or("");
    request.publish = fields.flag("publish").value_or(false);
    fields.expect_no_others();
    if (std::any_of(request.reason.begin(), request.reason.end(), is_control))
        throw Error(ErrorKind::usage, "the reason has control characters in it", "one line of text says it");
    return request;
}

Json encode_extension(const std::optional<Duration>& lasts) {
    return lasts ? Json{{"for", to_text(*lasts)}} : Json::object();
}

std::optional<Duration> decode_extension(const Json& body) {
    Fields fields(body, "the request");
    const auto lasts = read_length(fields);
    fields.expect_no_others();
    return lasts;
}

}  // namespace drover::wire
