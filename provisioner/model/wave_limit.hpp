#pragma once
#include <chrono>
#include <cstdint>
#include <optional>

#include "model/time.hpp"

namespace drover {

/// A time that only goes forward, from whatever origin the caller counts.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

/// What it costs to bring a guest of one image, kind and class where it should be, learnt from those that got there.
struct Cost {
    int known = 0;             ///< how many
    double cpu = 0;            ///< CPU seconds of one, the mean of late; 0: nobody told
    double takes = 0;          ///< seconds from its begin, the mean of late
    double beside = 0;         ///< how many were under way with it, the mean of late
    double best = 0;           ///< the least that this mean has been, or of one alone: nothing was in the way
    bool cpu_counted = false;  ///< `cpu` is known

    /// One more took `seconds`, at its end as one of `under_way`, and used `cpu_seconds`.
    void learn(double seconds, int under_way, std::optional<double> cpu_seconds);
    /// The same one was alone all the time: nothing was in its way, so an old best may be too good.
    void learn_alone(double seconds);
    /// The cores that one keeps busy while nothing is in its way; 1 while that is not known.
    [[nodiscard]] double share() const;
    /// How many seconds one will take as one of `under_way` that keep `busy` of `cores` cores busy: as long as at best,
    /// or in proportion to what those of late took, should they have shared something that was short.
    [[nodiscard]] double expected(double busy, int cores, int under_way) const;
};

/// How many may be under way on one host. Two limits:
///
/// - The CPU seconds that those under way are estimated to need, each within the time that one takes at best, fit the
///   cores and a quarter more, since some wait while others compute.
/// - A number, found as TCP finds its congestion window (slow start; then additive increase by one a round;
///   multiplicative decrease by half, once a round): it grows while it is what holds, and shrinks on a timeout, on a
///   brake, and when those of a round took half as long again as at best though their CPU seconds do not explain it,
///   so that something else is short: the disk.
///
/// One may always go when none is under way.
class AdaptiveLimit {
  public:
    explicit AdaptiveLimit(int cores = 1) : cores_(cores) {}

    void set_cores(int cores) { cores_ = cores; }
    [[nodiscard]] int cores() const { return cores_; }
    /// Whether one more may begin.
    [[nodiscard]] bool fits() const;
    /// One begins that keeps `share` cores busy: its number. One such ends.
    std::uint64_t begin(double share);
    void end(double share);
    /// Before its end(): one that began at `begun` got where it should be, `pace` times as slow as at best.
    void succeeded(double pace, Instant begun, Instant now);
    /// Before its end(): a timeout of one that began at `begun`, or a brake (`begun` = now).
    void decrease(Instant begun, Instant now);

    /// Whether the one of this number has been the only one since it began.
    [[nodiscard]] bool alone(std::uint64_t number) const;
    [[nodiscard]] int count() const { return count_; }
    [[nodiscard]] double busy() const { return busy_; }  ///< cores
    [[nodiscard]] double most() const;
    [[nodiscard]] bool is_starting() const { return slow_start_; }

  private:
    void judge_round(Instant now);

    int cores_;
    int count_ = 0;
    double busy_ = 0;
    std::uint64_t begun_ = 0;     ///< so many ever
    bool lonely_ = false;         ///< the last one that began found no other
    std::optional<double> most_;  ///< until then one for two cores, and two at least
    bool slow_start_ = true;
    bool filled_ = false;               ///< it is this number that holds
    Instant changed_ = Instant::min();  ///< only who began since then tells something about the present number
    int round_ = 0;
    double pace_sum_ = 0;
};

}  // namespace drover
