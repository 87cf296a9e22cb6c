#include "model/pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "model/error.hpp"

namespace drover {
namespace {

constexpr std::array<std::string_view, 7> day_names{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr int minutes_of_day = 24 * 60;

Error bad_entry(std::string_view text) {
    return {ErrorKind::usage, fmt::format("'{}' is no entry of a schedule", text),
            "DAYS HH:MM COUNT: 'Mon 8:00 60', 'Mon-Fri 18:30 5', 'Sat,Sun 0:00 0', 'daily 7:00 20'"};
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

/// A whole number up to `most`; nothing otherwise.
std::optional<int> number(std::string_view text, int most) {
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size() && text.front() != '-';
    return whole && value <= most ? std::optional(value) : std::nullopt;
}

std::optional<int> day(std::string_view name) {
    const auto* found = std::find(day_names.begin(), day_names.end(), name);
    return found == day_names.end() ? std::nullopt : std::optional(static_cast<int>(found - day_names.begin()));
}

/// "Mon", "Mon-Fri" or "Sat,Sun"; a range may go over the end of the week. Nothing otherwise.
std::optional<std::vector<int>> days(std::string_view text) {
    if (text == "daily") text = "Mon-Sun";
    std::vector<int> result;
    for (const auto part : split(text, ',')) {
        const auto ends = split(part, '-');
        const auto from = day(ends.front()), to = day(ends.back());
        if (!from || !to || ends.size() > 2) return std::nullopt;
        for (int n = *from;; n = (n + 1) % 7) {
            result.push_back(n);
            if (n == *to) break;
        }
    }
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
}

std::optional<int> minute(std::string_view text) {
    const auto parts = split(text, ':');
    if (parts.size() != 2 || parts[0].empty() || parts[0].size() > 2 || parts[1].size() != 2) return std::nullopt;
    const auto hours = number(parts[0], 23), minutes = number(parts[1], 59);
    if (!hours || !minutes) return std::nullopt;
    return *hours * 60 + *minutes;
}

}  // namespace

std::string to_text(const PoolKey& key) { return fmt::format("{}/{}/{}", key.image, key.profile, to_text(key.kind)); }

ScheduleEntry parse_schedule_entry(std::string_view text) {
    const auto words = split(text, ' ');
    if (words.size() != 3 || words[0].empty() || words[2].empty()) throw bad_entry(text);
    const auto on = days(words[0]);
    const auto at = minute(words[1]);
    const auto count = number(words[2], static_cast<int>(most_members));
    if (!on || !at || !count) throw bad_entry(text);
    return {*on, *at, *count};
}

std::string to_text(const ScheduleEntry& entry) {
    std::vector<std::string_view> names;
    for (const int n : entry.days) names.push_back(day_names.at(static_cast<std::size_t>(n)));
    const auto on = names.size() == day_names.size() ? "daily" : fmt::format("{}", fmt::join(names, ","));
    return fmt::format("{} {}:{:02} {}", on, entry.minute / 60, entry.minute % 60, entry.parked);
}

std::optional<int> scheduled(const std::vector<ScheduleEntry>& schedule, int minute_of_week) {
    std::optional<int> result;
    int least = minutes_of_week;
    for (const ScheduleEntry& entry : schedule) {
        for (const int n : entry.days) {
            const int began = n * minutes_of_day + entry.minute;
            const int ago = (minute_of_week - began + minutes_of_week) % minutes_of_week;
            if (ago >= least) continue;
            least = ago;
            result = entry.parked;
        }
    }
    return result;
}

long long demanded(const std::vector<Arrival>& arrivals, Duration pace, int percent) {
    if (arrivals.empty()) return 0;
    const double each = std::max<double>(1, static_cast<double>(pace.count()));
    std::vector<double> missing;  // after each arrival, were there always enough
    Time last = arrivals.front().when;
    double owed = 0;
    for (const auto& [when, count] : arrivals) {
        const auto passed = std::max(when - last, Duration::zero());
        owed = std::max(0.0, owed - static_cast<double>(passed.count()) / each) + static_cast<double>(count);
        missing.push_back(owed);
        last = when;
    }
    std::sort(missing.begin(), missing.end());
    const auto rank = static_cast<std::size_t>(std::ceil(static_cast<double>(missing.size()) * percent / 100));
    return static_cast<long long>(std::ceil(missing.at(std::clamp<std::size_t>(rank, 1, missing.size()) - 1)));
}

long long parked_target(const PoolTargets& targets, std::optional<int> by_schedule, long long by_demand) {
    const long long planned = by_schedule ? *by_schedule : targets.parked;
    return std::clamp(std::max(planned, targets.demand ? by_demand : 0LL), 0LL, most_members);
}

std::string size_text(long long memory, int cpus, long long disk) {
    return fmt::format("{}/{}/{}", memory, cpus, disk);
}

}  // namespace drover
