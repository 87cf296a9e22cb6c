#include "herd/waves.hpp"

#include <algorithm>
#include <utility>

#include "herd/host_load.hpp"

namespace drover {
namespace {

constexpr int most_cpus = 4096;  // of one guest: who is said to have used more was measured by something else
constexpr Duration fresh = std::chrono::seconds(2);  // a reading of the host; its pressure is a mean of 10 s

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Instant wave_clock() { return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now()); }

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

Waves::Counts Waves::counts() const {
    auto state = state_.lock();
    return {state->wave.waiting(), state->wave.taken()};
}

}  // namespace drover
