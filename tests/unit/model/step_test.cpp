#include "model/step.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <tuple>
#include <vector>

#include "model/step_table.hpp"

/// Explores every interleaving of one guest's row and its domain that the two pure functions allow: a kill between any
/// effect and its commit, operations at any moment, guests that crash, power off, restart or never answer, domains that
/// somebody paused, resumed, destroyed or started. Checks that nothing contradicts the row and that every state
/// settles.
namespace drover {
namespace {

constexpr int attempts_allowed = 2;

/// The domain as it really is.
enum class Real { off, half, boot, hello, up, paused_hello, paused_up };

/// What is explored: the parts of a row that decisions depend on, and the world.
struct State {
    Phase phase = Phase::reserved;
    Desired desired = Desired::ready;
    bool owned = true, built = false;
    bool boot_due = false, overlay_due = false, identity_due = true, fault = false;
    int attempts = 0;
    Real real = Real::off;
    bool domain = false, asked_itself = false;

    [[nodiscard]] auto key() const {
        return std::tie(phase, desired, owned, built, boot_due, overlay_due, identity_due, fault, attempts, real,
                        domain, asked_itself);
    }
    bool operator<(const State& other) const { return key() < other.key(); }
};

/// Whether guests answer at all in the run at hand.
enum class Guests { healthy, dead };

bool runs(Real real) { return real == Real::boot || real == Real::hello || real == Real::up; }
bool is_paused(Real real) { return real == Real::half || real == Real::paused_hello || real == Real::paused_up; }

Guest row_of(const State& state) {
    Guest guest;
    guest.phase = state.phase;
    guest.desired = state.desired;
    if (state.owned) guest.owner = "alice";
    guest.want = {"v", 1, 1};
    guest.have = {"v", state.overlay_due || !state.built ? 0 : 1, state.boot_due ? 0 : 1};
    guest.attempts = state.attempts;
    if (state.fault) guest.fault = Fault{};
    return guest;
}

Seen seen_of(const State& state, int overdue = 0) {
    Seen seen;
    seen.run = runs(state.real) ? Run::running : is_paused(state.real) ? Run::paused : Run::off;
    if (state.real == Real::hello || state.real == Real::paused_hello) seen.voice = Voice::hello;
    if (state.real == Real::up || state.real == Real::paused_up) {
        seen.voice = state.identity_due ? Voice::outdated : Voice::ready;
    }
    seen.powered_off_itself = state.real == Real::off && state.asked_itself;
    seen.live = {"v", state.built ? 1 : 0, state.boot_due ? 0 : 1};
    seen.overdue = overdue;
    return seen;
}

/// Every world that a step's effect may end in.
std::vector<State> effects(Step step, const State& state, Guests guests) {
    State after = state;
    after.asked_itself = false;
    switch (step) {
        case Step::build: after.domain = after.built = true; return {after};
        case Step::start: {
            if (state.real != Real::off) return {after};
            State boot = after, half = after;
            boot.real = Real::boot;
            half.real = Real::half;
            return {boot, half};
        }
        case Step::identify:
            if (guests == Guests::healthy && runs(state.real)) {
                after.real = Real::up;
                after.identity_due = false;
            }
            return {after};
        case Step::park: after.real = state.real == Real::up ? Real::paused_up : Real::paused_hello; return {after};
        case Step::adopt: {
            if (state.real != Real::paused_up) return effects(Step::resume, state, guests);
            after.real = Real::up;
            State told = after;
            told.identity_due = guests != Guests::healthy && state.identity_due;
            return {after, told};
        }
        case Step::resume:
            if (state.real == Real::paused_hello) after.real = Real::hello;
            if (state.real == Real::paused_up) after.real = Real::up;
            if (state.real == Real::half) after.real = Real::boot;
            return {after};
        case Step::force: after.real = Real::off; return {after};
        case Step::retire:
            after.real = Real::off;
            after.domain = after.built = false;
            return {after};
        default: return {after};
    }
}

/// The row after a step whose effect is done; nothing: nothing to commit.
std::optional<State> committed(Step step, const State& state) {
    State after = state;
    switch (step) {
        case Step::build:
            after.phase = Phase::stopped;
            after.overlay_due = false;
            return after;
        case Step::start:
        case Step::adopt:
            after.phase = Phase::starting;
            if (step == Step::start) after.boot_due = false;
            return after;
        case Step::identify:
            if (after.real != Real::up || after.identity_due) return std::nullopt;
            after.phase = Phase::ready;
            after.attempts = 0;
            return after;
        case Step::park: after.phase = Phase::parked; return after;
        case Step::stop: after.phase = Phase::stopping; return after;
        case Step::retire: after.phase = Phase::gone; return after;
        default: return std::nullopt;
    }
}

State correct_state(const State& state, const Correction& correction) {
    const Guest row = corrected(row_of(state), correction, seen_of(state), Time{});
    State after = state;
    after.phase = row.phase;
    after.desired = row.desired;
    after.attempts = std::min(row.attempts, attempts_allowed);
    after.asked_itself = false;
    return after;
}

void add_step(Step step, const State& state, Guests guests, std::vector<State>& next) {
    for (const State& effect : effects(step, state, guests)) {
        next.push_back(effect);  // killed between effect and commit
        if (const auto row = committed(step, effect)) next.push_back(*row);
    }
}

/// Moves that Drover or a healthy guest makes.
std::vector<State> quiet(const State& state, Guests guests) {
    std::vector<State> next;
    if (state.real == Real::boot && guests == Guests::healthy) {
        next.push_back(state);
        next.back().real = Real::hello;
    }
    if (state.phase == Phase::stopping && runs(state.real) && guests == Guests::healthy) {
        next.push_back(state);
        next.back().real = Real::off;  // it obeys STOP
    }
    const Guest row = row_of(state);
    for (int overdue = 0; overdue <= 2; ++overdue) {
        const auto correction = correct(row, seen_of(state, overdue));
        if (!correction) continue;
        if (correction->step != Step::none) {
            add_step(correction->step, state, guests, next);
        } else {
            next.push_back(correct_state(state, *correction));
        }
        if (overdue == 0) return next;
    }
    const bool may_fault = row.desired == Desired::ready || row.desired == Desired::parked;
    if (exhausted(row, attempts_allowed) && may_fault && row.phase == Phase::stopped) {
        next.push_back(state);
        next.back().fault = true;
        return next;
    }
    if (!state.owned && state.desired != Desired::gone && (state.fault || state.attempts > 0)) {
        next.push_back(state);  // its pool sends it away
        next.back().desired = Desired::gone;
        next.back().fault = false;
        return next;
    }
    for (int overdue = 0; overdue <= 2; ++overdue) {
        add_step(next_step(row, seen_of(state, overdue)), state, guests, next);
    }
    if (state.phase == Phase::ready && state.real == Real::boot) {
        next.push_back(state);  // health restarts who says nothing
        next.back().boot_due = true;
    }
    return next;
}

/// Everything else that may happen at any time.
std::vector<State> disturbances(const State& state) {
    std::vector<State> next;
    const auto with = [&](auto change) {
        next.push_back(state);
        change(next.back());
    };
    const auto ask = [](State& s) { s.fault = false, s.attempts = 0; };
    if (state.phase != Phase::gone && state.desired != Desired::gone) {
        with([](State& s) { s.desired = Desired::gone; });
        if (state.owned) {
            with([&](State& s) { s.desired = Desired::stopped, ask(s); });
            with([&](State& s) { s.desired = Desired::ready, ask(s); });
            with([&](State& s) { s.overlay_due = true, ask(s); });
        }
        if (state.owned && state.desired == Desired::ready) {
            with([&](State& s) { s.boot_due = true, ask(s); });
            with([](State& s) { s.identity_due = true; });
        }
        const bool is_there = !state.fault && state.attempts == 0 && to_text(state.phase) == to_text(state.desired);
        if (!state.owned && is_there)
            with([](State& s) { s.owned = s.identity_due = true, s.desired = Desired::ready; });
    }
    if (state.real != Real::off) with([](State& s) { s.real = Real::off; });
    if (runs(state.real)) with([](State& s) { s.real = s.real == Real::up ? Real::paused_up : Real::paused_hello; });
    if (state.real == Real::paused_hello) with([](State& s) { s.real = Real::hello; });
    if (state.real == Real::paused_up) with([](State& s) { s.real = Real::up; });
    if (state.real == Real::up) with([](State& s) { s.real = Real::boot; });
    if (state.real == Real::up) with([](State& s) { s.real = Real::off, s.asked_itself = true; });
    if (state.domain && state.real == Real::off && state.phase == Phase::stopped) {
        with([](State& s) { s.real = Real::boot; });
    }
    return next;
}

bool settled(const State& state) {
    if (state.phase == Phase::gone) return state.desired == Desired::gone && !state.domain && state.real == Real::off;
    if (state.fault) return state.owned && state.phase == Phase::stopped && state.real == Real::off;
    if (!state.owned && state.attempts > 0) return false;
    switch (state.desired) {
        case Desired::stopped: return state.phase == Phase::stopped && state.real == Real::off && !state.overlay_due;
        case Desired::parked:
            // Somebody may have resumed, restarted and paused it unseen: it adopts from its HELLO then.
            return state.phase == Phase::parked && state.attempts == 0 &&
                   ((state.real == Real::paused_up && !state.identity_due) || state.real == Real::paused_hello);
        case Desired::ready:
            return state.phase == Phase::ready && state.real == Real::up && !state.boot_due && !state.overlay_due &&
                   !state.identity_due;
        case Desired::gone: return false;
    }
    return false;
}

std::set<State> everything_reachable() {
    std::set<State> seen;
    std::deque<State> todo;
    for (const Desired desired : {Desired::ready, Desired::stopped}) todo.push_back({.desired = desired});
    for (const Desired desired : {Desired::parked, Desired::stopped})
        todo.push_back({.desired = desired, .owned = false});
    while (!todo.empty()) {
        const State state = todo.front();
        todo.pop_front();
        if (!seen.insert(state).second) continue;
        for (const State& next : quiet(state, Guests::healthy)) todo.push_back(next);
        for (const State& next : quiet(state, Guests::dead)) todo.push_back(next);
        for (const State& next : disturbances(state)) todo.push_back(next);
    }
    return seen;
}

const std::set<State>& all_states() {
    static const std::set<State> states = everything_reachable();
    return states;
}

std::string describe(const State& state) {
    return testing::PrintToString(std::string(to_text(state.phase)) + " wanted " +
                                  std::string(to_text(state.desired))) +
           (state.owned ? " owned" : " pool") + (state.built ? " built" : "") + (state.boot_due ? " boot-due" : "") +
           (state.overlay_due ? " overlay-due" : "") + (state.identity_due ? " identity-due" : "") +
           (state.fault ? " fault" : "") + " attempts " + std::to_string(state.attempts) + " real " +
           std::to_string(static_cast<int>(state.real)) + (state.domain ? " domain" : "");
}

/// Every state from which `settled` cannot be reached by quiet moves.
std::vector<State> stuck(Guests guests) {
    std::map<State, std::vector<State>> before;
    std::deque<State> todo;
    std::set<State> reach;
    for (const State& state : all_states()) {
        for (const State& next : quiet(state, guests)) before[next].push_back(state);
        if (settled(state) && reach.insert(state).second) todo.push_back(state);
    }
    while (!todo.empty()) {
        const State state = todo.front();
        todo.pop_front();
        for (const State& earlier : before[state]) {
            if (reach.insert(earlier).second) todo.push_back(earlier);
        }
    }
    std::vector<State> left;
    for (const State& state : all_states()) {
        if (!reach.contains(state)) left.push_back(state);
    }
    return left;
}

TEST(StepTable, EveryStateSettlesWhenNobodyDisturbsIt) {
    EXPECT_GT(all_states().size(), 500U);
    for (const Guests guests : {Guests::healthy, Guests::dead}) {
        const std::vector<State> left = stuck(guests);
        EXPECT_TRUE(left.empty()) << left.size() << " of " << all_states().size()
                                  << " never settle, the first: " << describe(left.front());
    }
}

TEST(StepTable, ASettledGuestIsLeftAlone) {
    for (const State& state : all_states()) {
        if (!settled(state)) continue;
        for (const State& next : quiet(state, Guests::healthy)) {
            EXPECT_TRUE(settled(next)) << describe(state) << " moves on to " << describe(next);
        }
    }
}

TEST(StepTable, GoneMeansThatNothingIsLeft) {
    for (const State& state : all_states()) {
        if (state.phase != Phase::gone) continue;
        EXPECT_FALSE(state.domain || state.built || state.real != Real::off) << describe(state);
    }
}

TEST(StepTable, AnUnreachableHostGetsNoStepAndFreesNothing) {
    Guest guest;
    for (const Phase phase : all_phases)
        for (const Desired desired : all_desired) {
            guest.phase = phase;
            guest.desired = desired;
            EXPECT_FALSE(correct(guest, {.run = Run::unknown})) << to_text(phase);
            EXPECT_EQ(next_step(guest, {.run = Run::unknown, .overdue = 3}), Step::none) << to_text(phase);
        }
}

TEST(StepTable, AFaultedGuestOnlyStopsOrGoes) {
    const std::set<Step> harmless{Step::none, Step::build, Step::stop, Step::press, Step::force, Step::retire};
    for (const State& state : all_states()) {
        EXPECT_TRUE(!state.fault || harmless.contains(next_step(row_of(state), seen_of(state)))) << describe(state);
    }
}

TEST(StepTable, TheStopLadderClimbsOneRungPerTimeout) {
    Guest guest;
    guest.phase = Phase::stopping;
    const auto step_at = [&](int overdue, int asked) {
        return next_step(guest, {.run = Run::running, .overdue = overdue, .asked = asked});
    };
    EXPECT_EQ(step_at(0, 0), Step::stop);
    EXPECT_EQ(step_at(0, 1), Step::none);
    EXPECT_EQ(step_at(1, 1), Step::press);
    EXPECT_EQ(step_at(1, 2), Step::none);
    EXPECT_EQ(step_at(2, 2), Step::force);
    EXPECT_EQ(step_at(7, 2), Step::force);
}

TEST(StepTable, AGuestThatPowersItselfOffStaysOff) {
    Guest guest;
    guest.phase = Phase::ready;
    guest.desired = Desired::ready;
    guest.have = guest.want;
    const Seen seen{.run = Run::off, .powered_off_itself = true};
    const auto correction = correct(guest, seen);
    ASSERT_TRUE(correction);
    const Guest after = corrected(guest, *correction, seen, Time{});
    EXPECT_EQ(after.phase, Phase::stopped);
    EXPECT_EQ(after.desired, Desired::stopped);
    EXPECT_EQ(after.attempts, 0);
}

TEST(StepTable, ACrashIsCountedAndForgottenAfterALongGoodTime) {
    Guest guest;
    guest.phase = Phase::ready;
    guest.attempts = 2;
    const auto after = [&](bool proven) {
        const Seen seen{.run = Run::off, .proven = proven};
        return corrected(guest, *correct(guest, seen), seen, Time{}).attempts;
    };
    EXPECT_EQ(after(false), 3);
    EXPECT_EQ(after(true), 1);
}

TEST(StepTable, IsPrintedWithEveryPhaseAndEveryStep) {
    const std::string table = print_step_table();
    for (const Phase phase : all_phases)
        EXPECT_NE(table.find(std::string("| ") + std::string(to_text(phase))), std::string::npos);
    for (const Step step : {Step::build, Step::copy, Step::start, Step::identify, Step::park, Step::adopt, Step::stop,
                            Step::press, Step::force, Step::retire, Step::resume})
        EXPECT_NE(table.find(to_text(step)), std::string::npos) << to_text(step);
}

}  // namespace
}  // namespace drover
