#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>

namespace drover {

/// How many bytes may pass: `rate` a second in the long run, up to `burst` at once. One thread.
class Budget {
  public:
    using Clock = std::chrono::steady_clock;

    Budget(double rate, double burst) : rate_(rate), burst_(burst), left_(burst) {}

    /// How many of `wanted` may pass now; they are not taken yet.
    std::size_t offer(std::size_t wanted, Clock::time_point now) {
        left_ = std::min(burst_, left_ + rate_ * std::chrono::duration<double>(now - filled_).count());
        filled_ = now;
        return std::min(wanted, left_ < 1 ? 0 : static_cast<std::size_t>(left_));
    }
    void take(std::size_t bytes) { left_ -= static_cast<double>(bytes); }

  private:
    double rate_, burst_, left_;
    Clock::time_point filled_ = Clock::now();
};

}  // namespace drover
