#include "model/timings.hpp"

#include <fmt/format.h>

#include <charconv>

namespace drover {
namespace {

std::optional<Duration>* field(Timings& timings, std::string_view name) {
    if (name == "build") return &timings.build;
    if (name == "start") return &timings.start;
    if (name == "hello") return &timings.hello;
    return name == "ready" ? &timings.ready : nullptr;
}

void take(Timings& timings, std::string_view word) {
    const auto sign = word.find('=');
    auto* const timing = field(timings, word.substr(0, sign));
    if (timing == nullptr || sign == std::string_view::npos) return;
    long long ms = 0;
    const auto number = word.substr(sign + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), ms);
    if (error == std::errc() && end == number.data() + number.size()) *timing = Duration(ms);
}

}  // namespace

std::string to_text(const Timings& timings) {
    std::string text;
    for_each_timing(timings, [&](const char* name, Duration time) {
        text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, time.count());
    });
    return text;
}

Timings parse_timings(std::string_view text) {
    Timings timings;
    while (!text.empty()) {
        const auto space = text.find(' ');
        take(timings, text.substr(0, space));
        if (space == std::string_view::npos) break;
        text.remove_prefix(space + 1);
    }
    return timings;
}

}  // namespace drover
