#include "fixture.hpp"

/// Guests stop and start with their host, and nobody forgets what they are wanted to be.
namespace drover {
namespace {

class HostTest : public HerdTest {
  protected:
    HostTest() { config.ready_timeout = config.stop_timeout = 60s; }

    int guests_in(Phase phase) {
        int count = 0;
        for (const Guest& guest : registry.guests.list({}, std::nullopt)) count += guest.phase == phase ? 1 : 0;
        return count;
    }

    Desired desired_of(GuestId id) { return registry.guests.get(id)->desired; }
};

TEST_F(HostTest, AllStopAndComeBackAndWhatTheyAreWantedToBeStays) {
    start_herd("one");
    ASSERT_EQ(outcome_of(request(4).operation), "done");
    ASSERT_EQ(outcome_of(ask(Verb::stop, "alice-4")), "done");
    herd->stop_host(1h);
    ASSERT_TRUE(eventually([&] { return guests_in(Phase::stopped) == 4; }));
    EXPECT_EQ(desired_of(1), Desired::ready);
    EXPECT_EQ(desired_of(4), Desired::stopped);
    herd->start_host();
    EXPECT_TRUE(eventually([&] { return guests_in(Phase::ready) == 3; }));
    EXPECT_EQ(registry.guests.get(4)->phase, Phase::stopped);
}

TEST_F(HostTest, AMereNewDaemonStartsNothingANewBootDoes) {
    start_herd("one");
    ASSERT_EQ(outcome_of(request(2).operation), "done");
    herd->stop_host(1h);
    ASSERT_TRUE(eventually([&] { return guests_in(Phase::stopped) == 2; }));
    herd.reset();
    start_herd("one");
    EXPECT_TRUE(herd->host().is_stopped());
    ask(Verb::retire, "alice-2");
    ASSERT_TRUE(reaches(2, Phase::gone)) << "what is to go goes all the same";
    EXPECT_EQ(domains.starts(1), 1);
    herd.reset();
    start_herd("two");
    EXPECT_FALSE(herd->host().is_stopped());
    EXPECT_TRUE(reaches(1, Phase::ready));
}

TEST_F(HostTest, WhatIsAskedForMeanwhileIsDoneAfterwards) {
    start_herd("one");
    ASSERT_EQ(outcome_of(request(2).operation), "done");
    ASSERT_EQ(outcome_of(ask(Verb::stop)), "done");
    herd->stop_host(1h);
    const OperationId start = ask(Verb::start, "alice-1");
    const OperationId rebuild = ask(Verb::rebuild, "alice-2");
    EXPECT_EQ(outcome_of(rebuild), "done") << "it is off anyway";
    EXPECT_EQ(registry.operations.get(start).outcome, "running");
    herd->start_host();
    EXPECT_EQ(outcome_of(start), "done");
}

TEST_F(HostTest, AutostartSaysWhatComesUp) {
    start_herd("one");
    ASSERT_EQ(outcome_of(request(3).operation), "done");
    ASSERT_EQ(outcome_of(ask(Verb::stop, "alice-2")), "done");
    EXPECT_EQ(
        registry.guests.set(root, {.autostart = Autostart::never, .selection = {.globs = {"alice-1"}}}, std::nullopt)
            .size(),
        1U);
    registry.guests.set(root, {.autostart = Autostart::always, .selection = {.globs = {"alice-2"}}}, std::nullopt);
    EXPECT_TRUE(
        registry.guests.set(root, {.autostart = Autostart::always, .selection = {.globs = {"alice-2"}}}, std::nullopt)
            .empty());
    herd->stop_host(1h);
    ASSERT_TRUE(eventually([&] { return guests_in(Phase::stopped) == 3; }));
    herd.reset();
    start_herd("two");
    EXPECT_TRUE(reaches(2, Phase::ready));
    EXPECT_TRUE(reaches(3, Phase::ready));
    EXPECT_EQ(registry.guests.get(1)->phase, Phase::stopped);
    EXPECT_EQ(desired_of(1), Desired::stopped);
}

TEST_F(HostTest, StartingAHostThatRunsChangesNothing) {
    start_herd("one");
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    registry.guests.set(root, {.autostart = Autostart::never, .selection = {.all = true}}, std::nullopt);
    herd->start_host();
    EXPECT_EQ(desired_of(1), Desired::ready);
}

TEST_F(HostTest, WhoDoesNotStopIsForcedWhenTheBudgetIsSpent) {
    domains.behave({.answers = false, .obeys_button = false});
    start_herd("one");
    request(2);
    ASSERT_TRUE(eventually([&] { return guests_in(Phase::starting) == 2; }));
    herd->stop_host(100ms);
    ASSERT_TRUE(eventually([&] { return guests_in(Phase::stopped) == 2; }));
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) EXPECT_EQ(guest.attempts, 0) << guest.name;
}

}  // namespace
}  // namespace drover
