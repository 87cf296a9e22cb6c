#include <fmt/format.h>

#include "wire/fields.hpp"

namespace drover::wire {
namespace {

/// What is no JSON says nothing.
Json read_answer(std::string_view body) {
    try {
        return parse_answer(body);
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

Json encode(const Error& error) {
    return {{"error", {{"kind", form_of(error.kind()).name}, {"message", error.what()}, {"hint", error.hint()}}}};
}

Error decode_error(int http_status, std::string_view body) {
    const Json answer = read_answer(body);
    const Json error = answer.is_object() ? answer.value("error", Json()) : Json();
    auto text = [&](const char* name) {
        auto field = error.find(name);
        return field != error.end() && field->is_string() ? field->get<std::string>() : std::string();
    };
    if (error.is_object() && !text("kind").empty()) {
        return {error_kind_named(text("kind")), text("message"), text("hint")};
    }
    const bool passing = http_status >= 502 && http_status <= 504;
    return {passing ? ErrorKind::unavailable : ErrorKind::failed,
            fmt::format("the daemon answered with HTTP status {} and no error of its own", http_status),
            "is something else listening on the socket?"};
}

}  // namespace drover::wire
