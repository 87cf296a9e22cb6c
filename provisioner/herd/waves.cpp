#include "herd/waves.hpp"

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

#include "herd/host_load.hpp"

namespace drover {
namespace {

constexpr int most_cpus = 4096;  // of one guest: who is said to have used more was measured by something else
constexpr Duration fresh = std::chrono::seconds(2);  // a reading of the host; its pressure is a mean of 10 s

/// Of a guest that is as its row says: what it will ask for first that loads the host.
Step first_heavy_step(const Guest& guest) {
    if (guest.phase == Phase::ready || guest.phase == Phase::parked) return guest.settled() ? Step::none : Step::stop;
    const bool is_off = guest.phase == Phase::reserved || guest.phase == Phase::stopped;
    return is_off && guest.desired == Desired::ready ? Step::start : Step::none;
}

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Instant wave_clock() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

std::optional<Duration> last_end(const std::vector<Forecast>& forecasts) {
    Duration last{0};
    for (const Forecast& one : forecasts) {
        if (!one.end) return std::nullopt;
        last = std::max(last, *one.end);
    }
    return last;
}

/// What came of a change: told when the lock is over.
struct Waves::News {
    std::vector<GuestId> called;
    std::vector<StoppedWave> stopped;
    std::optional<Instant> wake;
};

Waves::Waves(const Config& config, Ends ends)
    : folder_(config.state),
      host_(config.hosts.front().name),
      longest_(std::max(config.ready_timeout, config.stop_timeout)),
      ends_(std::move(ends)),
      state_(State{Wave(config.waves), std::nullopt}) {}

/// Changes the wave and calls whoever may go since. `self`, when it may, is not called: it asks just now.
template <typename Change> void Waves::change(Change&& change, GuestId self) {
    News news;
    {
        auto state = state_.lock();
        const Instant moment = wave_clock();
        change(state->wave, moment);
        look_at_host(*state, moment);
        news.called = state->wave.admit(moment);
        if (std::erase(news.called, self) > 0) change(state->wave, moment);
        news.stopped = state->wave.take_stopped();
        news.wake = state->wave.wake(moment);
        // Readings change by themselves.
        if (state->wave.waiting() > 0) news.wake = std::min(news.wake.value_or(Instant::max()), moment + fresh);
    }
    for (const GuestId id : news.called) ends_.call(id);
    for (StoppedWave& stopped : news.stopped) ends_.stopped(std::move(stopped));
    if (news.wake) ends_.wake(*news.wake);
}

void Waves::look_at_host(State& state, Instant moment) const {
    if (state.read && moment < *state.read + fresh) return;
    if (state.read && state.wave.waiting() == 0) return;  // nobody whom a reading could hold
    state.wave.see(host_, read_host_load(folder_), moment);
    state.read = moment;
}

/// A row tells since when by a clock that people set: no longer than anything may be under way.
void Waves::take_over(const std::vector<Guest>& guests) {
    change([&](Wave& wave, Instant moment) {
        for (const Guest& guest : guests) {
            wave.take_over(guest, moment - std::clamp(now() - guest.since, Duration::zero(), longest_));
        }
    });
}

bool Waves::enter(const Guest& guest, Step step) {
    bool may = false;
    change([&](Wave& wave, Instant moment) { may = wave.enter(guest, step, moment); }, guest.id);
    return may;
}

void Waves::note(const Guest& guest, std::optional<double> cpu_seconds) {
    change([&](Wave& wave, Instant moment) {
        const auto begun = wave.begun(guest.id);
        const double most = begun ? seconds(moment - *begun) * most_cpus : 0;
        const bool credible = cpu_seconds && *cpu_seconds <= most;
        wave.note(guest, moment, credible ? cpu_seconds : std::nullopt);
    });
}

void Waves::timed_out(GuestId id) {
    change([&](Wave& wave, Instant moment) { wave.leave(id, Ending::timed_out, moment); });
}

void Waves::withdraw(GuestId id) {
    change([&](Wave& wave, Instant) { wave.withdraw(id); });
}

void Waves::decline(GuestId id) {
    change([&](Wave& wave, Instant) { wave.decline(id); });
}

void Waves::admit() {
    change([](Wave&, Instant) {});
}

bool Waves::wants_cpu_of(GuestId id) const { return state_.lock()->wave.wants_cpu_of(id); }

void Waves::rule(OperationId operation, const OperationRule& rule) {
    change([&](Wave& wave, Instant) { wave.rule(operation, rule); });
}

void Waves::forget(OperationId operation) {
    change([&](Wave& wave, Instant) { wave.forget(operation); });
}

std::vector<OperationId> Waves::operations() const { return state_.lock()->wave.operations(); }

std::string Waves::waits_for(GuestId id) const { return state_.lock()->wave.waits_for(id, wave_clock()); }

std::vector<Forecast> Waves::plan(const std::vector<Guest>& guests, const std::optional<OperationRule>& rule) const {
    constexpr OperationId planned = std::numeric_limits<OperationId>::max();
    Wave wave = state_.lock()->wave;
    const Instant moment = wave_clock();
    if (rule) wave.rule(planned, *rule);
    std::unordered_set<GuestId> asked;
    for (Guest guest : guests) {
        asked.insert(guest.id);
        if (rule) guest.operation = planned;
        const Step step = first_heavy_step(guest);
        if (step != Step::none) wave.enter(guest, step, moment);
    }
    std::vector<Forecast> result;
    const auto from_now = [&](const std::optional<Instant>& when) -> std::optional<Duration> {
        if (!when) return std::nullopt;
        return std::max(*when - moment, Duration::zero());
    };
    for (const Planned& one : wave.plan(moment)) {
        if (asked.contains(one.id)) result.push_back({one.id, one.name, from_now(one.begin), from_now(one.end)});
    }
    return result;
}

}  // namespace drover
