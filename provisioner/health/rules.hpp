#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "config/config.hpp"
#include "model/health.hpp"
#include "model/pulse.hpp"
#include "model/wave.hpp"

/// What health decides, and nothing else: pure functions of values and of the times that they are given.
namespace drover::health {

using Clock = Pulse::Clock;

/// How often each guest is looked at: `interval`, but at least three times within `unresponsive`.
Duration interval_of(const Config::Health& config);

/// Whether the moment of the guest, one in each interval and spread over all guests, lies after `from` and not after
/// `to`. Both are times since some beginning; what lies an interval apart or more holds everybody's moment.
bool is_due(GuestId id, Duration from, Duration to, Duration interval);

/// How much a guest's silence is: none; half of what is acted on; what is acted on.
enum class Verdict { well, suspect, silent };
Verdict judge(const Pulse& pulse, Clock::time_point now, const Config::Health& config);

/// The herd at one moment.
struct Census {
    long long watched = 0;  ///< guests that owe a word when asked, and those restarted because they did not say it
    long long sick = 0;     ///< of these: suspect, silent, or not ready again
    [[nodiscard]] bool operator==(const Census&) const = default;
};
/// Why so many at once are no reason to act; empty: they are few enough.
std::string too_many(const Census& census, const Config::Health& config);

/// The brakes under which the host is no judge of its guests: those that hold starts. Empty: it is fine.
std::string host_trouble(const HostLoad& load, const Brakes& brakes);

/// Holds the ladder from the first reason on until there was none for an interval.
class Suspension {
  public:
    /// `reason` at this moment; empty: none. True: it began or ended just now.
    bool note(const std::string& reason, Clock::time_point now, Duration interval);
    [[nodiscard]] const std::string& reason() const { return reason_; }

  private:
    std::string reason_;
    Clock::time_point last_;  ///< when there was a reason
};

/// An alarm at a threshold: said once, and again when it is over; never more than one word in ten minutes, so that a
/// guest whose numbers jump fills no log.
class Alarm {
  public:
    /// True: `raised()` changed just now, and that is to be told.
    bool note(bool over, bool well_under, Clock::time_point now);
    [[nodiscard]] bool raised() const { return raised_; }

  private:
    bool raised_ = false;
    std::optional<Clock::time_point> said_;
};

/// The alarms of one guest.
struct Alarms {
    Alarm disk, memory, clock;
    /// What is to be told of these levels; empty: nothing.
    std::vector<std::string> note(const GuestLevels& levels, const Config::Health& config, Clock::time_point now);
};

/// "5m 3s": for people, whole seconds.
std::string in_words(Duration duration);

}  // namespace drover::health
