#pragma once
#include <chrono>
#include <optional>

#include "model/health.hpp"
#include "model/step.hpp"

namespace drover {

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
