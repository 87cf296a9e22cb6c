#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "model/health.hpp"
#include "model/step.hpp"

namespace drover {

/// A question to a guest: for a word, and how some of its services are.
struct LifeQuestion {
    GuestId id = 0;
    bool anew = false;  ///< its channel is taken up anew for that: a word may be held back in it (docs/design/0014)
    std::vector<std::string> services;
};

/// What is known of the life of one guest.
struct Pulse {
    using Clock = std::chrono::steady_clock;

    GuestId id = 0;
    Phase phase = Phase::gone;  ///< of its row, when it was read last
    Run run = Run::unknown;
    std::optional<Clock::time_point> heard;        ///< the last word of it that this daemon understood
    std::optional<Clock::time_point> ready_since;  ///< when this daemon saw it so first
    Clock::time_point quiet_since;                 ///< that, or since when a word of it could be expected
    int unanswered = 0;                            ///< how often it was asked for a word since
    std::optional<GuestLevels> levels;

    /// Whether its silence would be trouble.
    [[nodiscard]] bool is_watched() const { return phase == Phase::ready && run == Run::running; }
};

}  // namespace drover
