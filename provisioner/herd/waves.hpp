#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/sync.hpp"
#include "model/wave.hpp"

namespace drover {

/// When a guest is expected to begin, and to be where it should be, from now; none: something holds it that time alone
/// does not end, or it has nothing to wait for.
struct Forecast {
    GuestId id = 0;
    std::string name;
    std::optional<Duration> begin, end;
};

/// The present moment, as waves count it.
Instant wave_clock();

/// The admission rule (model/wave.hpp) with a clock and this host's readings: one for the whole herd. Any thread.
class Waves {
  public:
    struct Ends {
        std::function<void(GuestId)> call;         ///< it may go now: it is to ask again, by enter()
        std::function<void(Instant)> wake;         ///< admit() is to be called then, though nothing happens meanwhile
        std::function<void(StoppedWave)> stopped;  ///< what had not begun is to be put back
    };
    /// `ends` are called by any thread that calls here, outside of its lock.
    Waves(const Config& config, Ends ends);

    /// Those that were under way when the daemon ended: rows that are starting or stopping, at the beginning.
    void take_over(const std::vector<Guest>& guests);

    /// Whether `step` of `guest` may be done now. If not, it waits and is called when it may.
    bool enter(const Guest& guest, Step step);
    /// The row as it is now: its slot is free where it needs none any more.
    void note(const Guest& guest, std::optional<double> cpu_seconds = std::nullopt);
    /// It was not where it should be in time.
    void timed_out(GuestId id);
    /// It needs nothing now, through nobody's fault.
    void withdraw(GuestId id);
    /// Its turn is over: a slot that it did not use goes to the next.
    void decline(GuestId id);
    /// Whether its CPU seconds would tell something new.
    [[nodiscard]] bool wants_cpu_of(GuestId id) const;
    /// Calls whoever may go now.
    void admit();

    /// How the guests of an operation go from now on; what is over is forgotten.
    void rule(OperationId operation, const OperationRule& rule);
    void forget(OperationId operation);
    [[nodiscard]] std::vector<OperationId> operations() const;

    /// How each class of work fares.
    [[nodiscard]] std::vector<WaveSight> sight() const { return state_.lock()->wave.sight(wave_clock()); }
    /// What a guest in line waits for; empty when it does not wait.
    [[nodiscard]] std::string waits_for(GuestId id) const;
    /// When these will begin and be where they should be, for all that is known now: those under way or in line, and
    /// those that come now, under `rule` where it is given. In the order in which they begin.
    [[nodiscard]] std::vector<Forecast> plan(const std::vector<Guest>& guests,
                                             const std::optional<OperationRule>& rule = std::nullopt) const;

  private:
    struct State {
        Wave wave;
        std::optional<Instant> read;  ///< when the host was looked at
    };
    struct News;

    template <typename Change> void change(Change&& change, GuestId self = 0);
    void look_at_host(State& state, Instant moment) const;

    std::string folder_, host_;
    Duration longest_;  ///< that a guest may be under way
    Ends ends_;
    mutable Synchronized<State> state_;
};

/// When the last of them is where it should be; none when that cannot be told of one.
std::optional<Duration> last_end(const std::vector<Forecast>& forecasts);

}  // namespace drover
