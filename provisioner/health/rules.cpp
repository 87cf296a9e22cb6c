#include "health/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

namespace drover::health {
namespace {

constexpr int looks_before_verdict = 3;
constexpr int least_unanswered = 2;
constexpr int percent = 100;
constexpr int hysteresis = 5;  // percent
constexpr auto between_alarms = std::chrono::minutes(10);

/// Neighbours in number are far apart in time, and any number of them lies evenly: multiples of the golden ratio.
Duration moment_of(GuestId id, Duration interval) {
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15U;
    const auto fraction = (static_cast<std::uint64_t>(id) * golden) >> 32U;
    return Duration(static_cast<std::int64_t>((fraction * static_cast<std::uint64_t>(interval.count())) >> 32U));
}

/// So many whole percent of `size` that any doubt is for the guest.
long long percent_of(std::int64_t part, std::int64_t size) {
    return static_cast<long long>(static_cast<long double>(part) * percent / static_cast<long double>(size));
}

std::string mebibytes(std::int64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

}  // namespace

Duration interval_of(const Config::Health& config) {
    return std::max<Duration>(std::min(config.interval, config.unresponsive / looks_before_verdict),
                              std::chrono::milliseconds(1));
}

bool is_due(GuestId id, Duration from, Duration to, Duration interval) {
    if (to - from >= interval) return true;
    const auto rounds = [&](Duration at) {
        const auto since = at - moment_of(id, interval);
        return since < Duration::zero() ? -1 : since / interval;
    };
    return rounds(to) > rounds(from);
}

Verdict judge(const Pulse& pulse, Clock::time_point now, const Config::Health& config) {
    if (!pulse.is_watched()) return Verdict::well;
    const auto quiet = now - pulse.quiet_since;
    if (quiet >= config.unresponsive && pulse.unanswered >= least_unanswered) return Verdict::silent;
    return quiet >= config.unresponsive / 2 && pulse.unanswered > 0 ? Verdict::suspect : Verdict::well;
}

std::string too_many(const Census& census, const Config::Health& config) {
    if (census.sick < config.suspend_count || census.sick * percent <= census.watched * config.suspend_share) return "";
    return fmt::format("{} of {} ready guests are silent at once, more than {} %", census.sick, census.watched,
                       config.suspend_share);
}

std::string host_trouble(const HostLoad& load, const Brakes& brakes) {
    const auto over = [](const char* what, const std::optional<double>& reading, const std::optional<int>& most) {
        if (!reading || !most || *reading <= *most) return std::string();
        return fmt::format("the host is under pressure: {} {:.0f} % of the last 10 s, more than {} %", what, *reading,
                           *most);
    };
    const auto under = [](const char* what, const std::optional<long long>& reading,
                          const std::optional<long long>& least) {
        if (!reading || !least || *reading >= *least) return std::string();
        return fmt::format("the host has {} of {} left, less than {}", mebibytes(*reading), what, mebibytes(*least));
    };
    for (const auto& reason :
         {under("memory", load.free_memory, brakes.free_memory),
          over("memory (full)", load.memory_full, brakes.memory_full),
          over("memory (some)", load.memory_some, brakes.memory_some), over("io (full)", load.io_full, brakes.io_full),
          over("io (some)", load.io_some, brakes.io_some)})
        if (!reason.empty()) return reason;
    return "";
}

bool Suspension::note(const std::string& reason, Clock::time_point now, Duration interval) {
    if (!reason.empty()) {
        last_ = now;
        if (!reason_.empty()) return false;  // why it began is told; the numbers move
        reason_ = reason;
        return true;
    }
    if (reason_.empty() || now - last_ < interval) return false;
    reason_.clear();
    return true;
}

bool Alarm::note(bool over, bool well_under, Clock::time_point now) {
    const bool changes = raised_ ? well_under : over;
    if (!changes || (said_ && now - *said_ < between_alarms)) return false;
    raised_ = !raised_;
    said_ = now;
    return true;
}

std::vector<std::string> Alarms::note(const GuestLevels& levels, const Config::Health& config, Clock::time_point now) {
    std::vector<std::string> news;
    const auto look = [&](Alarm& alarm, long long used, int most, const std::string& full, const std::string& fine) {
        if (alarm.note(used >= most, used < most - hysteresis, now)) news.push_back(alarm.raised() ? full : fine);
    };
    if (levels.disk_size > 0) {
        const auto used = percent_of(levels.disk_used, levels.disk_size);
        const auto room = mebibytes(levels.disk_size - levels.disk_used);
        look(disk, used, config.disk, fmt::format("its disk is {} % full, {} are left", used, room),
             fmt::format("its disk has room again: {} % full", used));
    }
    if (levels.memory_size > 0) {
        const auto used = percent_of(levels.memory_size - levels.memory_free, levels.memory_size);
        look(memory, used, config.memory,
             fmt::format("its memory is {} % used, {} are left", used, mebibytes(levels.memory_free)),
             fmt::format("its memory is free again: {} % used", used));
    }
    const auto off = Duration(std::abs(levels.ahead.count()));
    if (clock.note(off >= config.clock, off < config.clock / 2, now))
        news.push_back(clock.raised() ? fmt::format("its clock is {} {} the host's", in_words(off),
                                                    levels.ahead > Duration::zero() ? "ahead of" : "behind")
                                      : std::string("its clock is the host's again"));
    return news;
}

std::string in_words(Duration duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
    if (seconds < 60) return fmt::format("{}.{}s", seconds, duration.count() / 100 % 10);
    if (seconds < 3600) return fmt::format("{}m {}s", seconds / 60, seconds % 60);
    if (seconds < 86400) return fmt::format("{}h {}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d {}h", seconds / 86400, seconds / 3600 % 24);
}

}  // namespace drover::health
