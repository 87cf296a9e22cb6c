// What health tells people.
#include <fmt/format.h>

#include <algorithm>

#include "health/health.hpp"

namespace drover {
namespace {

using health::in_words;

constexpr int longest_story = 30;

Time wall_time(Pulse::Clock::time_point at) {
    return now() + std::chrono::duration_cast<Duration>(at - Pulse::Clock::now());
}

Wellness wellness_of(const Guest& guest, const std::optional<Pulse>& pulse, bool healing,
                     const Config::Health& config) {
    if (guest.fault) return Wellness::faulted;
    if (healing) return Wellness::healing;
    if (guest.phase != Phase::ready || !pulse || !pulse->is_watched()) return Wellness::off;
    const bool is_well = health::judge(*pulse, Pulse::Clock::now(), config) == health::Verdict::well;
    return is_well ? Wellness::well : Wellness::silent;
}

}  // namespace

/// As it is now, not as it was at the last look: the pause above all.
HealthState Health::state() {
    HealthState state = *state_.lock();
    const auto pause = *pause_.lock();
    if (!pause) return state;
    state.ladder = Ladder::paused;
    state.reason = pause->said.reason;
    state.since = pause->said.since;
    state.ends_in.reset();
    if (pause->until)
        state.ends_in = std::max(std::chrono::ceil<Duration>(*pause->until - Clock::now()), Duration::zero());
    return state;
}

std::vector<GuestHealth> Health::of(const std::vector<Guest>& guests) {
    const auto tries = parts_.registry.heals.counts(parts_.config.health.forget);
    std::vector<GuestHealth> result;
    result.reserve(guests.size());
    for (const Guest& guest : guests) {
        const auto counted = tries.find(guest.id);
        result.push_back(judge(guest, counted == tries.end() ? 0 : counted->second));
    }
    return result;
}

GuestHealth Health::judge(const Guest& guest, long long tries) {
    const auto pulse = parts_.pulse(guest.id);
    const auto at = Clock::now();
    GuestHealth health{.name = guest.name,
                       .wellness = wellness_of(guest, pulse, is_healing(guest.id), parts_.config.health),
                       .heard = {},
                       .silence = {},
                       .tries = tries,
                       .next = {}};
    if (pulse && pulse->heard) health.heard = wall_time(*pulse->heard);
    if (pulse && pulse->is_watched())
        health.silence = std::max(std::chrono::duration_cast<Duration>(at - pulse->quiet_since), Duration::zero());
    health.next = next_for(guest, health, at);
    return health;
}

std::string Health::next_for(const Guest& guest, const GuestHealth& health, Clock::time_point /*at*/) {
    const Config::Health& config = parts_.config.health;
    switch (health.wellness) {
        case Wellness::well: return "nothing: it answers";
        case Wellness::faulted: return fmt::format("nothing until somebody asks for it: drover start {}", guest.name);
        case Wellness::healing:
            return fmt::format(
                "it is {}; then it is {}", to_text(guest.phase),
                guest.phase == Phase::ready || guest.phase == Phase::stopping ? "started again" : "ready again");
        case Wellness::off:
            return fmt::format("nothing: it is {}, wanted {}; no word of it is expected", to_text(guest.phase),
                               to_text(guest.desired));
        case Wellness::silent: break;
    }
    const HealthState whole = state();
    if (whole.ladder != Ladder::watching)
        return fmt::format("nothing while the ladder is {}{}", to_text(whole.ladder),
                           whole.reason.empty() ? "" : ": " + whole.reason);
    const auto left = std::max(config.unresponsive - health.silence.value_or(Duration::zero()), Duration::zero());
    const auto what = health.tries >= config.tries ? "a fault: its tries are used up"
                                                   : "STOP, its power button, force; then it is started again";
    return fmt::format("if it stays silent, in {}: {}", in_words(left), what);
}

HealthStory Health::story(const Guest& guest) {
    const auto tries = parts_.registry.heals.count(guest.id, "", parts_.config.health.forget);
    HealthStory story{.now = judge(guest, tries),
                      .whole = state(),
                      .tries_forgotten_in = parts_.registry.heals.forgotten_in(guest.id, parts_.config.health.forget),
                      .levels = {},
                      .decisions = {}};
    if (const auto pulse = parts_.pulse(guest.id)) story.levels = pulse->levels;
    for (const Event& event : parts_.registry.heals.story(guest.name, longest_story))
        story.decisions.push_back({event.time, event.message});
    {
        auto memories = memories_.lock();
        if (const auto found = memories->find(guest.id); found != memories->end())
            story.decisions.insert(story.decisions.end(), found->second.decisions.begin(),
                                   found->second.decisions.end());
    }
    std::stable_sort(story.decisions.begin(), story.decisions.end(),
                     [](const Decision& a, const Decision& b) { return a.time < b.time; });
    return story;
}

}  // namespace drover
