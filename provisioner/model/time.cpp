#include "model/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include "model/error.hpp"

namespace drover {
namespace {

struct Unit {
    std::string_view name;
    long long factor;
};

constexpr std::array duration_units{Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000},
                                    Unit{"d", 86'400'000}};
constexpr std::array size_units{Unit{"", 1}, Unit{"KiB", 1LL << 10}, Unit{"MiB", 1LL << 20}, Unit{"GiB", 1LL << 30},
                                Unit{"TiB", 1LL << 40}};
constexpr long long longest_duration = 36'525LL * 86'400'000;  // 100 years

/// A whole number and one of `units`, at most `limit`; nothing for any other text.
std::optional<long long> read_quantity(std::string_view text, std::span<const Unit> units, long long limit) {
    long long number = 0;
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return std::nullopt;
    const std::string_view name(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    for (const auto& unit : units)
        if (unit.name == name && number <= limit / unit.factor) return number * unit.factor;
    return std::nullopt;
}

}  // namespace

Time now() { return std::chrono::floor<Duration>(std::chrono::system_clock::now()); }

std::string to_rfc3339(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()), unsigned(date.month()),
                       unsigned(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

Duration parse_duration(std::string_view text) {
    if (text == "0") return Duration(0);
    if (const auto ms = read_quantity(text, duration_units, longest_duration)) return Duration(*ms);
    throw Error(ErrorKind::usage, fmt::format("'{}' is no duration", text),
                "a whole number and one of ms s m h d, like 90s, 5m, 8h; at most 100 years");
}

std::string to_text(Duration duration) {
    if (duration.count() == 0) return "0";
    auto unit = duration_units.rbegin();
    while (duration.count() % unit->factor != 0) ++unit;
    return fmt::format("{}{}", duration.count() / unit->factor, unit->name);
}

long long parse_size(std::string_view text) {
    if (const auto bytes = read_quantity(text, size_units, std::numeric_limits<long long>::max())) return *bytes;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no size", text),
                "a whole number and one of KiB MiB GiB TiB, like 96MiB; or plain bytes");
}

}  // namespace drover
