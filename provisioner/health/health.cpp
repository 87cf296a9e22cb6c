#include "health/health.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "model/error.hpp"
#include "model/failpoint.hpp"

namespace drover {
namespace {

using health::Verdict;

constexpr Duration longest_beat = std::chrono::seconds(1);
constexpr Duration shortest_beat = std::chrono::milliseconds(20);
constexpr int beats_an_interval = 30;
constexpr Duration starved_after = std::chrono::seconds(5);
constexpr auto time_to_look = std::chrono::seconds(10);
constexpr auto between_cleanings = std::chrono::minutes(10);
constexpr std::size_t most_decisions = 20;

}  // namespace

Health::Health(HealthParts parts)
    : parts_(std::move(parts)),
      interval_(health::interval_of(parts_.config.health)),
      beat_(std::clamp(interval_ / beats_an_interval, shortest_beat, longest_beat)) {}

void Health::start() {
    load_pause();
    begun_ = looked_ = forgotten_ = Clock::now();
    rounds_.start("health", 5, [this] {
        try {
            tick();
        } catch (const std::exception& error) {
            spdlog::error("health: {}", error.what());
        }
        return beat_;
    });
}

void Health::tick() {
    const Look seen = look();
    end_pause_if_over();
    note_holds(seen);
    learn_services(seen.now);
    check(seen);
    mend_services(seen);
    tend();
    if (seen.now - forgotten_ >= between_cleanings) forget();
}

/// Everybody whose moment came since the last look is due.
Health::Look Health::look() {
    Look look{.now = Clock::now(), .census = {}, .due = {}};
    if (look.now - looked_ > std::max(starved_after, interval_)) late_until_ = look.now + 2 * interval_;
    const auto since = [&](Clock::time_point at) { return std::chrono::duration_cast<Duration>(at - begun_); };
    const auto from = since(looked_), to = since(look.now);
    parts_.for_each_pulse([&](const Pulse& pulse) {
        const bool is_restarting = restarting_.contains(pulse.id);
        if (!pulse.is_watched() && !is_restarting) return;
        ++look.census.watched;
        if (is_restarting || health::judge(pulse, look.now, parts_.config.health) != Verdict::well) ++look.census.sick;
        if (pulse.is_watched() && health::is_due(pulse.id, from, to, interval_)) look.due.push_back(pulse);
    });
    looked_ = look.now;
    return look;
}

std::string Health::reason_to_hold(const Look& look) {
    auto blind = parts_.blind();
    has_seen_ = has_seen_ || blind.empty() || look.now - begun_ >= time_to_look;
    if (!blind.empty()) return has_seen_ ? blind : "";  // that it has not looked yet is nothing to tell
    if (look.now < late_until_) return "the host is so busy that this daemon was not let run";
    if (auto many = health::too_many(look.census, parts_.config.health); !many.empty()) return many;
    if (look.census.sick == 0) return "";  // nobody asks how the host fares
    return health::host_trouble(parts_.load(), parts_.config.waves.start.brakes);
}

void Health::note_holds(const Look& look) {
    suspension_.note(reason_to_hold(look), look.now, interval_);
    tell_state(look);
    if (told_ == suspension_.reason()) return;
    parts_.registry.heals.set_suspended(suspension_.reason());
    if (told_ || !suspension_.reason().empty())
        spdlog::warn("health: {}", suspension_.reason().empty() ? "the ladder goes on" : suspension_.reason());
    told_ = suspension_.reason();
}

void Health::tell_state(const Look& look) {
    const auto healing = static_cast<long long>(healing_.lock()->size());
    auto state = state_.lock();
    const Ladder before = state->ladder;
    state->ladder = suspension_.reason().empty() ? Ladder::watching : Ladder::suspended;
    state->reason = suspension_.reason();
    if (state->ladder == Ladder::watching) state->since.reset();
    if (before == Ladder::watching && state->ladder != before) state->since = drover::now();
    state->watched = look.census.watched;
    state->silent = look.census.sick;
    state->healing = healing;
}

/// Why nobody is acted on now; empty: they are.
std::string Health::held() {
    if (const auto pause = *pause_.lock())
        return fmt::format("the ladder is paused by {}{}", pause->said.who,
                           pause->said.reason.empty() ? "" : ": " + pause->said.reason);
    return suspension_.reason().empty() ? "" : "the ladder is suspended: " + suspension_.reason();
}

/// Each guest in its moment: judged by what it said until now, then asked again.
void Health::check(const Look& look) {
    const std::string why_not = held();
    std::vector<LifeQuestion> questions;
    for (const Pulse& pulse : look.due) {
        note_levels(pulse, look.now);
        const Verdict verdict = health::judge(pulse, look.now, parts_.config.health);
        if (verdict == Verdict::silent && why_not.empty()) {
            act(pulse, look.now);
            continue;
        }
        if (verdict == Verdict::silent) decide(pulse.id, why_not, "is silent, and nothing is done: " + why_not);
        if (verdict == Verdict::suspect) decide(pulse.id, "suspect", "says nothing; is asked again");
        LifeQuestion question{.id = pulse.id, .anew = pulse.unanswered == 1, .services = {}};
        if (verdict == Verdict::well && pulse.unanswered == 0) {
            decide(pulse.id, "", "");
            question.services = services_to_ask(pulse, look.now);
        }
        const bool spoke = look.now - pulse.quiet_since < interval_ / 2;  // that is life enough
        if (!spoke || !question.services.empty()) questions.push_back(std::move(question));
    }
    if (!questions.empty()) parts_.ask(questions);
}

void Health::act(const Pulse& pulse, Clock::time_point now) {
    const auto guest = parts_.registry.guests.get(pulse.id);
    if (!guest || guest->phase != Phase::ready || guest->desired != Desired::ready || guest->fault) return;
    if (guest->stale()) return decide(pulse.id, "stale", "is silent, and about to be stopped for another reason");
    const auto quiet = std::chrono::duration_cast<Duration>(now - pulse.quiet_since);
    const auto why = fmt::format("said nothing for {}, asked {} times", health::in_words(quiet), pulse.unanswered);
    const auto outcome = parts_.registry.heals.restart(*guest, limit(), why);
    if (outcome == Heals::Outcome::lost) return;  // it is another guest by now: at its next moment
    spdlog::warn("{}: {}", guest->name, why);
    if (outcome == Heals::Outcome::begun) {
        restarting_.insert(guest->id);
        healing_.lock()->insert(guest->id);
    }
    parts_.nudge({guest->id});
}

/// What comes of those that are being healed, also of those that the herd started again by itself.
void Health::tend() {
    std::set<GuestId> healing, restarting;
    for (const Heals::Open& heal : parts_.registry.heals.open()) {
        if (heal.subject.empty() ? tend(heal) : tend_service(heal)) continue;
        if (!heal.subject.empty()) continue;
        healing.insert(heal.guest);
        if (heal.action == "restart") restarting.insert(heal.guest);
    }
    restarting_ = std::move(restarting);
    *healing_.lock() = std::move(healing);
}

/// True: it is over.
bool Health::tend(const Heals::Open& heal) {
    const auto guest = parts_.registry.guests.get(heal.guest);
    const bool is_moot = !guest || guest->phase == Phase::gone || guest->fault || guest->desired != Desired::ready;
    if (!is_moot && (guest->phase != Phase::ready || guest->stale())) return false;
    const auto took = std::max(now() - heal.time, Duration::zero());
    parts_.registry.heals.end(heal, is_moot ? "" : fmt::format("is ready again after {}", health::in_words(took)));
    return true;
}

void Health::note_levels(const Pulse& pulse, Clock::time_point now) {
    if (!pulse.levels) return;
    std::vector<std::string> news;
    {
        auto memories = memories_.lock();
        const auto found = memories->find(pulse.id);
        health::Alarms alarms = found == memories->end() ? health::Alarms{} : found->second.alarms;
        news = alarms.note(*pulse.levels, parts_.config.health, now);
        if (!news.empty()) (*memories)[pulse.id].alarms = alarms;
    }
    if (news.empty()) return;
    const auto guest = parts_.registry.guests.get(pulse.id);
    for (const std::string& text : news)
        if (guest) parts_.registry.events.add("health", guest->name, std::nullopt, text);
}

/// Remembers what no event tells, when it is something else than before.
void Health::decide(GuestId id, const std::string& what, const std::string& text) {
    auto memories = memories_.lock();
    const auto found = memories->find(id);
    if (text.empty()) {  // all is well
        if (found == memories->end() || found->second.last.empty()) return;
        found->second.last.clear();
        found->second.decisions.push_back({now(), "speaks again"});
        return;
    }
    Memory& memory = (*memories)[id];
    if (std::exchange(memory.last, what) == what) return;
    memory.decisions.push_back({now(), text});
    if (memory.decisions.size() > most_decisions) memory.decisions.pop_front();
}

/// What is no more.
void Health::forget() {
    forgotten_ = Clock::now();
    parts_.registry.heals.forget_old(parts_.config.health.forget);
    std::set<GuestId> there;
    parts_.for_each_pulse([&](const Pulse& pulse) { there.insert(pulse.id); });
    auto memories = memories_.lock();
    std::erase_if(*memories, [&](const auto& entry) { return !there.contains(entry.first); });
}

Heals::Limit Health::limit() const { return {parts_.config.health.tries, parts_.config.health.forget}; }

bool Health::is_healing(GuestId id) { return healing_.lock()->contains(id); }

// ---- the pause
// -------------------------------------------------------------------------------------------------------

void Health::load_pause() {
    const auto said = parts_.registry.heals.pause();
    auto pause = pause_.lock();
    pause->reset();
    if (!said) return;
    *pause = Pause{*said, std::nullopt};
    if (said->left) (*pause)->until = Clock::now() + *said->left;
}

void Health::pause(const Caller& caller, const std::optional<Duration>& lasts, const std::string& reason) {
    parts_.registry.heals.set_pause(caller, lasts, reason);
    load_pause();
}

void Health::resume(const Caller& caller) {
    parts_.registry.heals.end_pause(caller.who());
    load_pause();
}

void Health::end_pause_if_over() {
    const auto pause = *pause_.lock();
    if (!pause || !pause->until || Clock::now() < *pause->until) return;
    parts_.registry.heals.end_pause("its time is over");
    load_pause();
}

}  // namespace drover
