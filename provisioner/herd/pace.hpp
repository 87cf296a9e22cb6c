#pragma once
#include <chrono>
#include <optional>
#include <utility>

#include "model/step.hpp"
#include "model/timings.hpp"

namespace drover {

/// Measures a guest's way to ready, for as long as one process sees it.
class Pace {
  public:
    using Clock = std::chrono::steady_clock;

    /// A step ended now that began then.
    void did(Step step, Clock::time_point began, Clock::time_point now) {
        if (step == Step::build) seen_.build = between(began, now);
        if (step != Step::start && step != Step::adopt) return;
        seen_.start = between(began, now);
        seen_.hello = seen_.ready = std::nullopt;
        last_ = now;
    }
    /// It said something.
    void heard(Clock::time_point now) {
        if (last_ && !seen_.hello) seen_.hello = between(*std::exchange(last_, now), now);
    }
    /// It is ready.
    void arrived(Clock::time_point now) {
        if (last_) seen_.ready = between(*last_, now);
        last_.reset();
    }
    /// What the row should say that says this.
    [[nodiscard]] Timings over(Timings row) const {
        if (seen_.build) row.build = seen_.build;
        if (!seen_.start) return row;
        return {row.build, seen_.start, seen_.hello, seen_.ready};
    }

  private:
    static Duration between(Clock::time_point from, Clock::time_point to) {
        return std::chrono::duration_cast<Duration>(to - from);
    }

    Timings seen_;
    std::optional<Clock::time_point> last_;  ///< of the way that it is on
};

}  // namespace drover
