#include "model/wave_limit.hpp"

#include <algorithm>

namespace drover {
namespace {

constexpr double cpu_room = 1.25;           // of the cores: some wait while others compute
constexpr double saturated = 0.8;           // of the cores: slowness is explained by the CPU
constexpr double too_slow = 1.5;            // times as long as at best
constexpr double too_slow_for_the_cpu = 3;  // the same where the CPU explains some of it
constexpr double halved = 0.5;
constexpr int memory = 32;  // a mean of late is of about so many
constexpr int few = 8;      // a mean of fewer says little

}  // namespace

void Cost::learn(double seconds, int under_way, std::optional<double> cpu_seconds) {
    known = std::min(known + 1, memory);
    takes += (seconds - takes) / known;
    beside += (under_way - beside) / known;
    if (cpu_seconds) {
        cpu = cpu_counted ? cpu + (*cpu_seconds - cpu) / known : *cpu_seconds;
        cpu_counted = true;
    }
    if (known < few || takes < best) {
        best = takes;
    }
}

double Cost::share() const { return cpu_counted && best > 0 ? cpu / best : 1; }

void Cost::learn_alone(double seconds) {
    if (seconds > best) best += (seconds - best) / few;
}

double Cost::expected(double busy, int cores, int under_way) const {
    constexpr double unknown = 10;
    if (known == 0) return unknown;
    const double crowded = cpu_counted ? best * std::max(1.0, busy / cores) : best;
    return std::max(crowded, takes * under_way / beside);
}

double AdaptiveLimit::most() const { return most_.value_or(std::max(2.0, cores_ / 2.0)); }

bool AdaptiveLimit::fits() const { return count_ == 0 || (count_ + 1 <= most() && busy_ < cores_ * cpu_room); }

std::uint64_t AdaptiveLimit::begin(double share) {
    lonely_ = count_ == 0;
    if (count_ < most() / 2) filled_ = false;
    ++count_;
    if (count_ + 1 > most()) filled_ = true;
    busy_ += share;
    return ++begun_;
}

bool AdaptiveLimit::alone(std::uint64_t number) const { return lonely_ && number == begun_; }

void AdaptiveLimit::end(double share) {
    --count_;
    busy_ = count_ == 0 ? 0 : busy_ - share;
}

void AdaptiveLimit::succeeded(double pace, Instant begun, Instant now) {
    if (filled_) most_ = most() + (slow_start_ ? 1 : 1 / most());
    if (begun < changed_) return;
    ++round_;
    pace_sum_ += pace;
    if (round_ >= std::max<double>(few, most())) judge_round(now);
}

void AdaptiveLimit::judge_round(Instant now) {
    const double pace = pace_sum_ / round_;
    round_ = 0;
    pace_sum_ = 0;
    if (pace > (busy_ >= cores_ * saturated ? too_slow_for_the_cpu : too_slow)) decrease(now, now);
}

void AdaptiveLimit::decrease(Instant begun, Instant now) {
    if (begun < changed_) return;
    most_ = std::max(1.0, std::min<double>(most(), count_) * halved);
    slow_start_ = false;
    changed_ = now;
    round_ = 0;
    pace_sum_ = 0;
}

}  // namespace drover
