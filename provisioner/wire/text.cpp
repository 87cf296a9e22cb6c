#include <fmt/format.h>

#include <set>

#include "wire/fields.hpp"

namespace drover::wire {
namespace {

/// Watches the parser for what plain JSON allows and a request may not do: fields twice in one object, deep nesting,
/// and more fields than any request has: since they keep their order, each new one is compared with all before it.
class Watch {
  public:
    bool operator()(Json::parse_event_t event, const Json& parsed) {
        using Is = Json::parse_event_t;
        if (event == Is::object_start || event == Is::array_start) enter();
        if (event == Is::object_end || event == Is::array_end) names_.pop_back();
        if (event == Is::key) add(parsed);
        return true;
    }

  private:
    void add(const Json& name) {
        if (!names_.back().insert(name.get<std::string>()).second)
            throw Error(ErrorKind::usage, "the field " + shown(name) + " stands twice in one object");
        if (names_.back().size() > max_fields)
            throw Error(ErrorKind::usage, fmt::format("an object of more than {} fields", max_fields));
    }

    void enter() {
        names_.emplace_back();
        if (names_.size() <= max_depth) return;
        throw Error(ErrorKind::usage, fmt::format("JSON nested deeper than {} levels", max_depth));
    }

    std::vector<std::set<std::string>> names_;
};

/// nlohmann's message without its own numbering.
std::string reason(const Json::exception& error) {
    const std::string text = error.what();
    const auto end = text.find("] ");
    return end == std::string::npos ? text : text.substr(end + 2);
}

}  // namespace

Json parse(std::string_view text) {
    if (text.size() > max_body) {
        throw Error(ErrorKind::usage, fmt::format("body of {} bytes, at most {} are allowed", text.size(), max_body));
    }
    if (const auto nul = text.find('\0'); nul != std::string_view::npos) {  // the parser takes it for the end
        throw Error(ErrorKind::usage, fmt::format("the body is not JSON: byte {} is NUL", nul + 1));
    }
    Watch watch;
    try {
        return Json::parse(text, [&](int, Json::parse_event_t event, Json& parsed) { return watch(event, parsed); });
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::usage, "the body is not JSON: " + reason(error));
    }
}

Json parse_answer(std::string_view text) {
    try {
        // The library copies and writes nested values by recursion: deep ones would exhaust the stack.
        return Json::parse(text, [](int depth, Json::parse_event_t event, const Json&) {
            const bool opens = event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
            if (!opens || depth < max_answer_depth) return true;
            throw Error(ErrorKind::failed,
                        fmt::format("the daemon's answer is nested deeper than {}", max_answer_depth));
        });
    } catch (const Json::exception& error) {
        throw Error(ErrorKind::failed, "the daemon's answer is not JSON: " + reason(error),
                    "is something else listening on the socket?");
    }
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string dump_pretty(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace drover::wire
