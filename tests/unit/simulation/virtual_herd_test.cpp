#include "simulation/virtual_herd.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "model/names.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

WavePolicies all(const std::string& policy) {
    const WavePolicy one = parse_wave_policy(policy);
    return {one, one, one, one};
}

bool full_size() {
    const char* full = std::getenv("DROVER_TEST_FULL");
    return full != nullptr && std::string(full) == "yes";
}

double seconds(Instant time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

double makespan(const Scenario& scenario, const std::string& policy) {
    return seconds(VirtualHerd(scenario, all(policy)).run().end);
}

/// The most of `uses` that were in use at once.
std::size_t most_at_once(const std::vector<SlotUse>& uses) {
    std::vector<std::pair<Instant, int>> changes;  // at one instant, ends first
    for (const SlotUse& use : uses) {
        changes.emplace_back(use.begin, 1);
        changes.emplace_back(use.end, -1);
    }
    std::sort(changes.begin(), changes.end());
    std::size_t now = 0;
    std::size_t most = 0;
    for (const auto& [time, change] : changes) most = std::max(most, now += static_cast<std::size_t>(change));
    return most;
}

/// The most of `uses` that began within `interval`.
std::size_t most_begun_within(Duration interval, const std::vector<SlotUse>& uses) {
    std::size_t most = 0;
    for (std::size_t first = 0, last = 0; last < uses.size(); ++last) {
        while (uses[last].begin - uses[first].begin >= interval) ++first;
        most = std::max(most, last - first + 1);
    }
    return most;
}

// ---- examples ------------------------------------------------------------------------------------------------------

TEST(VirtualHerd, WAVE_2_TheClassicStaircaseIsExact) {
    Scenario scenario{.guests = 100};
    const Course course = VirtualHerd(scenario, all("15/30s")).run();
    ASSERT_EQ(course.uses.size(), 100U);
    for (std::size_t i = 0; i < 100; ++i) {
        EXPECT_EQ(course.uses[i].id, static_cast<GuestId>(i + 1));
        EXPECT_EQ(course.uses[i].begin, Instant(30s * static_cast<int>(i / 15)));
    }
    EXPECT_EQ(course.ready.size(), 100U);
}

TEST(VirtualHerd, TheSameSeedIsTheSameCourse) {
    const Scenario scenario{.guests = 80, .crash = 0.1, .hang = 0.05, .seed = 42};
    const Course one = VirtualHerd(scenario, all("adaptive,jitter=1s")).run();
    const Course other = VirtualHerd(scenario, all("adaptive,jitter=1s")).run();
    EXPECT_EQ(one.ready, other.ready);
    EXPECT_EQ(one.in_flight, other.in_flight);
    Scenario changed = scenario;
    changed.seed = 43;
    EXPECT_NE(VirtualHerd(changed, all("adaptive,jitter=1s")).run().ready, one.ready);
}

TEST(VirtualHerd, AnImageThatNeverGetsReadyStopsItsWaveAndLeavesTheOthersUntouched) {
    Scenario scenario{.guests = 100, .hang = 1};
    VirtualHerd herd(scenario, all("adaptive,stop_on=20%/10"));
    for (Guest& guest : herd.guests()) guest.operation = 1;
    const Course course = herd.run();
    ASSERT_EQ(course.stopped.size(), 1U);
    std::set<GuestId> begun;
    for (const SlotUse& use : course.uses) begun.insert(use.id);
    EXPECT_EQ(course.stopped[0].put_back.size() + begun.size(), 100U);
    EXPECT_LE(begun.size(), 10U);
    EXPECT_EQ(course.faults, static_cast<int>(begun.size()));
}

TEST(VirtualHerd, AnUpgradeNeverTakesMoreThanItsSlotsDown) {
    VirtualHerd herd({.guests = 40}, all("in_flight=3"));
    for (Guest& guest : herd.guests()) {
        herd.bring_up(guest);
        guest.want.version = "v2";
    }
    const Course course = herd.run();
    EXPECT_EQ(course.uses.size(), 40U) << "one slot covers stop and start";
    EXPECT_EQ(course.peak, 3U);
    for (const Guest& guest : herd.guests()) EXPECT_EQ(guest.good, "v2");
}

TEST(VirtualHerd, WAVE_2_ThePlanOfAStaircaseComesTrue) {
    const Scenario scenario{.guests = 100};
    VirtualHerd herd(scenario, all("15/30s"));
    Wave wave(all("15/30s"));
    for (const Guest& guest : herd.guests()) wave.enter(guest, Step::start, Instant{});
    const auto plan = wave.plan(Instant{});
    const Course course = herd.run();
    ASSERT_EQ(plan.size(), course.uses.size());
    for (std::size_t i = 0; i < plan.size(); ++i) {
        EXPECT_EQ(plan[i].id, course.uses[i].id);
        EXPECT_EQ(plan[i].begin, course.uses[i].begin);
    }
    EXPECT_NEAR(seconds(*plan.back().end), seconds(course.end), seconds(course.end) * 0.15);
}

TEST(VirtualHerd, ThePlanOfAnAdaptiveWaveIsNearOnceCostsAreKnown) {
    for (const Scenario& scenario : standard_scenarios()) {
        VirtualHerd herd(scenario, all("adaptive"));
        Wave at_half = herd.wave();
        Instant when;
        herd.observe([&](const Wave& wave, Instant now) {
            if (when == Instant{} && wave.waiting() <= static_cast<std::size_t>(scenario.guests) * 3 / 4) {
                when = now;
                at_half = wave;
            }
        });
        const Course course = herd.run();
        Instant end;
        for (const Planned& planned : at_half.plan(when)) end = std::max(end, *planned.end);
        const double expected = seconds(end) - seconds(when);
        const double true_one = seconds(course.ready.back()) - seconds(when);
        RecordProperty("eta_" + scenario.name, fmt::format("{:.2f}", expected / true_one));
        EXPECT_NEAR(expected / true_one, 1, 0.35) << scenario.name;
    }
}

TEST(VirtualHerd, WAVE_3_AdaptiveIsNearTheBestFixedNumberUntuned) {
    const int seeds = full_size() ? 5 : 1;
    for (Scenario scenario : standard_scenarios()) {
        for (int seed = 1; seed <= seeds; ++seed) {
            scenario.seed = static_cast<std::uint64_t>(seed);
            double best = makespan(scenario, "in_flight=1");
            for (const int fixed : {2, 4, 8, 16, 32}) {
                best = std::min(best, makespan(scenario, fmt::format("in_flight={}", fixed)));
            }
            const double ratio = makespan(scenario, "adaptive") / best;
            RecordProperty(fmt::format("{}_{}", scenario.name, seed), fmt::format("{:.3f}", ratio));
            EXPECT_LE(ratio, 1.15) << scenario.name << ", seed " << seed;
        }
    }
}

TEST(VirtualHerd, WAVE_4_AHundredThousandGuestsTakeLessThanAMinute) {
    const int guests = full_size() ? 100'000 : 10'000;
    [[maybe_unused]] const auto begin = std::chrono::steady_clock::now();
    const Course course = VirtualHerd({.guests = guests}, all("adaptive")).run();
    EXPECT_EQ(course.ready.size(), static_cast<std::size_t>(guests));
#ifdef NDEBUG  // a build for a sanitizer is many times slower
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 60s);
#endif
}

// ---- whatever the herd ---------------------------------------------------------------------------------------------

template <typename T> T one_of(std::initializer_list<T> values) { return *rc::gen::elementOf(std::vector<T>(values)); }

int number(int least, int most) { return *rc::gen::inRange(least, most + 1); }

WavePolicy random_policy() {
    WavePolicy policy{.adaptive = number(0, 1) == 1, .brakes = {}};
    if (number(0, 1) == 1) {
        policy.size = number(1, 6);
        policy.interval = Duration(number(100, 20'000));
    }
    if (number(0, 1) == 1) policy.in_flight = number(1, 8);
    if (number(0, 1) == 1) policy.per_host = number(1, 4);
    if (number(0, 3) == 0) policy.jitter = Duration(number(1, 5'000));
    if (number(0, 3) == 0) policy.stop_on = StopOn{number(0, 100), number(1, 10)};
    if (number(0, 3) == 0) policy.brakes = {.memory_full = number(0, 50), .io_full = number(0, 80)};
    return policy;
}

Scenario random_scenario() {
    Scenario scenario{.host = {.cores = number(1, 8), .disks = double(number(1, 4)), .seek = 0.01, .memory = 2000},
                      .hosts = number(1, 3),
                      .guests = number(1, 60),
                      .start = {.disk = 0.2, .cpu = 1, .wait = 1, .memory = 90, .remaining = 30}};
    scenario.crash = one_of({0.0, 0.1, 0.5});
    scenario.hang = one_of({0.0, 0.05});
    scenario.seed = static_cast<std::uint64_t>(number(0, 1'000'000));
    scenario.ready_timeout = 60s;
    return scenario;
}

/// Any state from which the table leads on, and any wish.
void randomise(VirtualHerd& herd) {
    for (Guest& guest : herd.guests()) {
        if (number(0, 3) == 0) guest.owner.reset();
        if (number(0, 2) == 0) herd.bring_up(guest);
        guest.desired = one_of({Desired::ready, Desired::ready, Desired::stopped, Desired::gone});
        if (!guest.owner) guest.desired = one_of({Desired::parked, Desired::gone});
        if (number(0, 3) == 0) ++guest.want.boot;
        if (number(0, 5) == 0) ++guest.want.overlay;
        if (number(0, 3) == 0) guest.want.version = "v2";
        if (number(0, 4) > 0) guest.operation = number(1, 3);
    }
}

std::vector<SlotUse> of_class(const Course& course, WaveClass wave) {
    std::vector<SlotUse> result;
    for (const SlotUse& use : course.uses) {
        if (use.wave == wave) result.push_back(use);
    }
    return result;
}

void check_limits(const WavePolicies& policies, const Course& course, const std::vector<Guest>& guests) {
    for (const WaveClass wave : all_wave_classes) {
        const WavePolicy& policy = policies.of(wave);
        const auto uses = of_class(course, wave);
        if (policy.in_flight) RC_ASSERT(most_at_once(uses) <= static_cast<std::size_t>(*policy.in_flight));
        if (policy.size && policy.jitter == 0ms) {
            RC_ASSERT(most_begun_within(policy.interval, uses) <= static_cast<std::size_t>(*policy.size));
        }
        if (!policy.per_host) continue;
        std::map<std::string, std::vector<SlotUse>> by_host;
        for (const SlotUse& use : uses) by_host[guests.at(static_cast<std::size_t>(use.id) - 1).host].push_back(use);
        for (const auto& [host, some] : by_host) {
            RC_ASSERT(most_at_once(some) <= static_cast<std::size_t>(*policy.per_host));
        }
    }
}

/// Nobody is forgotten: where it should be, faulted, or put back.
void check_ended(const std::vector<Guest>& guests) {
    for (const Guest& guest : guests) RC_ASSERT(guest.settled() || guest.fault);
}

RC_GTEST_PROP(VirtualHerdProperties, WAVE_1_limits_hold_and_it_ends_with_nobody_left_behind, ()) {
    const Scenario scenario = random_scenario();
    const WavePolicies policies{random_policy(), random_policy(), random_policy(), random_policy()};
    VirtualHerd herd(scenario, policies);
    randomise(herd);
    const Course course = herd.run();
    check_limits(policies, course, herd.guests());
    check_ended(herd.guests());
    RC_ASSERT(herd.wave().waiting() == 0U);
    RC_ASSERT(herd.wave().taken() == 0U);
}

RC_GTEST_PROP(VirtualHerdProperties, WAVE_1_slots_in_flight_survive_a_kill, ()) {
    const Scenario scenario = random_scenario();
    WavePolicy policy = random_policy();
    policy.size.reset();  // a new wave knows only what is under way
    policy.stop_on.reset();
    const WavePolicies policies{policy, policy, policy, policy};
    VirtualHerd herd(scenario, policies);
    for (Guest& guest : herd.guests()) {
        if (number(0, 1) == 0) continue;
        herd.bring_up(guest);
        guest.desired = Desired::stopped;
    }
    const Course course = herd.run(Instant(Duration(number(0, 30'000))));
    check_limits(policies, course, herd.guests());
    check_ended(herd.guests());
    RC_ASSERT(herd.wave().taken() == 0U);
}

RC_GTEST_PROP(VirtualHerdProperties, WAVE_1_first_tries_go_in_order_of_names_and_users_before_refill, ()) {
    Scenario scenario = random_scenario();
    scenario.hosts = 1;
    WavePolicy policy = random_policy();
    policy.jitter = 0ms;
    policy.stop_on.reset();
    VirtualHerd herd(scenario, {policy, policy, policy, policy});
    for (Guest& guest : herd.guests()) {
        if (number(0, 2) > 0) continue;
        guest.owner.reset();
        guest.desired = Desired::parked;
    }
    const Course course = herd.run();
    std::map<WaveClass, std::vector<SlotUse>> firsts;
    std::set<GuestId> seen;
    for (const SlotUse& use : course.uses) {
        if (seen.insert(use.id).second) firsts[use.wave].push_back(use);
    }
    for (const auto& [wave, uses] : firsts) {
        RC_ASSERT(std::is_sorted(uses.begin(), uses.end(), [&](const SlotUse& a, const SlotUse& b) {
            return natural_less(guest_name("guest", a.id), guest_name("guest", b.id));
        }));
    }
    const auto& starts = firsts[WaveClass::start];
    const auto& refills = firsts[WaveClass::refill];
    if (!starts.empty() && !refills.empty()) RC_ASSERT(starts.back().begin <= refills.front().begin);
}

}  // namespace
}  // namespace drover
