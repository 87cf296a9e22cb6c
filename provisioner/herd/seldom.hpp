#pragma once
#include <chrono>
#include <optional>

#include "model/sync.hpp"

namespace drover {

/// Lets something be said once a minute: what goes wrong every second fills no log. Any thread.
class Seldom {
  public:
    /// Whether it is time to say it; if so, it counts as said.
    bool due() {
        constexpr auto pause = std::chrono::minutes(1);
        const auto now = std::chrono::steady_clock::now();
        auto last = last_.lock();
        if (*last && now - **last < pause) return false;
        *last = now;
        return true;
    }

  private:
    Synchronized<std::optional<std::chrono::steady_clock::time_point>> last_;
};

}  // namespace drover
