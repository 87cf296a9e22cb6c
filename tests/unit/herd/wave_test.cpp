#include <gmock/gmock.h>

#include "fixture.hpp"

/// Waves as operations see them: the engine with a real registry and a small working hypervisor.
namespace drover {
namespace {

using testing::HasSubstr;

class WaveHerdTest : public HerdTest {
  protected:
    WaveHerdTest() { config.ready_timeout = 2s; }

    /// So many guests that were ready once and are off.
    void have_stopped_guests(int count) {
        start_herd();
        ASSERT_EQ(outcome_of(request(count).operation), "done");
        ASSERT_EQ(outcome_of(ask(Verb::stop)), "done");
    }

    OperationId start_in(const std::string& wave) {
        const Change change{Verb::start, {.all = true}, parse_wave_policy(wave)};
        const Operation operation = registry.guests.change(root, change, std::nullopt);
        herd->nudge(registry.guests.ids_in(operation.id));
        return operation.id;
    }

    int count(OperationId operation, const std::string& outcome) {
        const auto items = registry.operations.get(operation).items;
        return static_cast<int>(
            std::count_if(items.begin(), items.end(), [&](const Item& item) { return item.outcome == outcome; }));
    }

    /// As eventually, of what is no news to the registry: who comes into line.
    template <typename Condition> static bool soon(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (!condition() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
        return condition();
    }

    /// How many were started a second time, and how many wait for this.
    int started_again() {
        const auto ids = registry.guests.ids();
        return static_cast<int>(
            std::count_if(ids.begin(), ids.end(), [&](GuestId id) { return domains.starts(id) == 2; }));
    }
    GuestId waiting_one() {
        for (const GuestId id : registry.guests.ids()) {
            if (!herd->waits_for(id).empty()) return id;
        }
        return 0;
    }
    int waiting_for(const std::string& what) {
        const auto ids = registry.guests.ids();
        return static_cast<int>(
            std::count_if(ids.begin(), ids.end(), [&](GuestId id) { return herd->waits_for(id) == what; }));
    }

    void pause(OperationId operation, bool paused) {
        registry.operations.pause(root, operation, paused);
        herd->obey(operation);
    }

    void cancel(OperationId operation) { herd->nudge(registry.operations.cancel(root, operation)); }
};

TEST_F(WaveHerdTest, NoMoreAreUnderWayThanTheWaveSays) {
    have_stopped_guests(6);
    domains.behave({.answers = false});
    const OperationId operation = start_in("in_flight=2");
    ASSERT_TRUE(eventually([&] { return started_again() == 2; }));
    ASSERT_TRUE(soon([&] { return waiting_for("one of 2 starts in flight") == 4; }));
    EXPECT_EQ(started_again(), 2) << "the first two are not ready";
    domains.behave({});
    EXPECT_EQ(outcome_of(operation), "done");
}

TEST_F(WaveHerdTest, AWaveWhoseFirstFailStopsAndPutsTheOthersBack) {
    config.attempts = 1;
    have_stopped_guests(12);
    domains.behave({.dies_at_start = true});
    const OperationId operation = start_in("in_flight=4,stop_on=50%/4");
    EXPECT_EQ(outcome_of(operation), "failed");
    EXPECT_THAT(registry.operations.get(operation).message, HasSubstr("of the first"));
    EXPECT_EQ(count(operation, "cancelled"), 8);
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) {
        if (guest.fault) continue;
        EXPECT_EQ(guest.desired, Desired::stopped) << guest.name;
        EXPECT_EQ(domains.starts(guest.id), 1) << guest.name << " was never started again";
    }
}

TEST_F(WaveHerdTest, WhoGetsPausedGoesOnWhenResumed) {
    have_stopped_guests(6);
    const OperationId operation = start_in("2/1h");
    ASSERT_TRUE(eventually([&] { return count(operation, "done") == 2; }));
    pause(operation, true);
    EXPECT_TRUE(soon([&] { return waiting_for(operation_name(operation) + " to be resumed") == 4; }));
    pause(operation, false);
    EXPECT_TRUE(soon([&] { return herd->waits_for(waiting_one()).starts_with("the next start in "); }));
    cancel(operation);
    EXPECT_EQ(outcome_of(operation), "cancelled");
}

TEST_F(WaveHerdTest, WhatACancelledOneHadNotBegunIsWhatItWas) {
    have_stopped_guests(6);
    const OperationId operation = start_in("2/1h");
    ASSERT_TRUE(eventually([&] { return count(operation, "done") == 2; }));
    cancel(operation);
    EXPECT_EQ(outcome_of(operation), "cancelled");
    EXPECT_EQ(count(operation, "cancelled"), 4);
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) {
        EXPECT_EQ(guest.desired == Desired::ready, domains.starts(guest.id) == 2) << guest.name;
        EXPECT_TRUE(guest.settled()) << guest.name;
    }
    EXPECT_THROW(registry.operations.cancel(root, operation), Error) << "it has ended";
}

TEST_F(WaveHerdTest, RestartsThatHadNotBegunAreNotOwedAnyMore) {
    start_herd();
    ASSERT_EQ(outcome_of(request(3).operation), "done");
    const Change change{Verb::restart, {.all = true}, parse_wave_policy("1/1h")};
    const Operation operation = registry.guests.change(root, change, std::nullopt);
    herd->nudge(registry.guests.ids_in(operation.id));
    ASSERT_TRUE(eventually([&] { return count(operation.id, "done") == 1; }));
    cancel(operation.id);
    EXPECT_EQ(outcome_of(operation.id), "cancelled");
    EXPECT_EQ(started_again(), 1);
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) EXPECT_TRUE(guest.settled()) << guest.name;
}

TEST_F(WaveHerdTest, ANewDaemonKeepsTheRuleOfTheOperation) {
    have_stopped_guests(4);
    const OperationId operation = start_in("2/1h");
    ASSERT_TRUE(eventually([&] { return count(operation, "done") == 2; }));
    pause(operation, true);
    herd.reset();
    start_herd();
    ASSERT_EQ(outcome_of(request(5).operation), "done") << "somebody else's goes on";
    EXPECT_EQ(count(operation, "pending"), 2);
    cancel(operation);
    EXPECT_EQ(outcome_of(operation), "cancelled");
}

TEST_F(WaveHerdTest, APlanIsWhatTheWaveWillDoAndChangesNothing) {
    have_stopped_guests(4);
    const auto guests = registry.guests.preview(root, {Verb::start, {.all = true}}, std::nullopt);
    const auto plan = herd->plan(guests, OperationRule{.policy = parse_wave_policy("2/30s")});
    ASSERT_EQ(plan.size(), 4U);
    EXPECT_EQ(plan[1].name, "alice-2");
    EXPECT_EQ(plan[1].begin, 0s);
    EXPECT_EQ(plan[2].begin, 30s);
    EXPECT_GE(last_end(plan), 30s);
    EXPECT_EQ(registry.guests.get(1)->desired, Desired::stopped);
}

}  // namespace
}  // namespace drover
