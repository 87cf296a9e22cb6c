#include <gmock/gmock.h>

#include "fixture.hpp"

/// What is done for guests that fell silent or fell over, and for how long that counts.
namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using Outcome = Heals::Outcome;

class HealsTest : public RegistryTest {
  protected:
    HealsTest() {
        add_owner("alice");
        request(asking("alice", 1));
        bring_home("alice-1");
    }
    Outcome restart() { return registry_->heals.restart(guest("alice-1"), limit, "said nothing"); }
    long long tries() { return registry_->heals.count(guest("alice-1").id, "", limit.forget); }
    std::vector<std::string> told() {
        std::vector<std::string> messages;
        for (const Event& event : registry_->heals.story("alice-1", 100))
            messages.push_back(event.kind + ": " + event.message);
        return messages;
    }

    const Heals::Limit limit{.tries = 2, .forget = 8h};
};

TEST_F(HealsTest, ARestartIsWantedCountedAndToldAtOnce) {
    const Guest before = guest("alice-1");
    EXPECT_EQ(restart(), Outcome::begun);
    EXPECT_EQ(guest("alice-1").want.boot, before.want.boot + 1);
    EXPECT_EQ(guest("alice-1").rev, before.rev + 1);
    EXPECT_EQ(tries(), 1);
    EXPECT_THAT(told(), ElementsAre("health: said nothing; it is stopped and started again, try 1 of 2"));
    EXPECT_TRUE(registry_->heals.is_open(before.id, ""));
    EXPECT_EQ(registry_->heals.restart(before, limit, "said nothing"), Outcome::lost) << "the row is another by now";
    EXPECT_EQ(tries(), 1);
    const std::map<std::string, long long> tallies{{"restart", 1}, {"service", 0}, {"start", 0}};
    EXPECT_EQ(registry_->heals.tallies(), tallies);
}

TEST_F(HealsTest, OnlyWhoIsReadyAndWantedSoIsRestarted) {
    change(Verb::stop, {"alice-1"});
    EXPECT_EQ(restart(), Outcome::lost);
    bring_home("alice-1");
    EXPECT_EQ(restart(), Outcome::lost);
    EXPECT_EQ(tries(), 0);
}

TEST_F(HealsTest, TheLimitIsAFaultThatAnyVerbForgets) {
    for (int heal = 0; heal < 2; ++heal) {
        EXPECT_EQ(restart(), Outcome::begun);
        bring_home("alice-1");
    }
    EXPECT_EQ(restart(), Outcome::used_up);
    ASSERT_TRUE(guest("alice-1").fault);
    EXPECT_EQ(guest("alice-1").fault->kind, "health");
    EXPECT_THAT(told().back(), HasSubstr("fault: said nothing; it was healed 2 times within 8h"));
    change(Verb::start, {"alice-1"});
    EXPECT_FALSE(guest("alice-1").fault);
    EXPECT_EQ(tries(), 0);
}

TEST_F(HealsTest, TriesAreForgottenByTheTimeThatPassedNotByTheClock) {
    restart();
    const GuestId id = guest("alice-1").id;
    EXPECT_EQ(registry_->heals.forgotten_in(id, limit.forget), Duration(8h));
    time_ += 24h;  // somebody set the clock
    EXPECT_EQ(tries(), 1);
    pass(7h);
    EXPECT_EQ(tries(), 1);
    EXPECT_EQ(registry_->heals.forgotten_in(id, limit.forget), Duration(1h));
    EXPECT_EQ(registry_->heals.counts(limit.forget), (std::map<GuestId, long long>{{id, 1}}));
    pass(1h);
    EXPECT_EQ(tries(), 0);
    EXPECT_EQ(registry_->heals.forgotten_in(id, limit.forget), std::nullopt);
}

TEST_F(HealsTest, WhatIsOpenOutlivesTheDaemonAndEndsOnce) {
    restart();
    registry_.reset();
    open();
    const auto heals = registry_->heals.open();
    ASSERT_EQ(heals.size(), 1U);
    EXPECT_EQ(heals.front().action, "restart");
    registry_->heals.end(heals.front(), "is ready again");
    registry_->heals.end(heals.front(), "is ready again");
    EXPECT_EQ(told().back(), "health: is ready again");
    EXPECT_EQ(told().size(), 2U);
    EXPECT_TRUE(registry_->heals.open().empty());
    EXPECT_EQ(tries(), 1) << "it counts all the same";
    pass(9h);
    registry_->heals.forget_old(limit.forget);
}

TEST_F(HealsTest, AFallIsNotedWithTheStepThatSawIt) {
    const Guest before = guest("alice-1");
    Guest after = before;
    after.phase = Phase::stopped;
    ASSERT_TRUE(registry_->guests.save(before, after, "health", "ready -> stopped", {}, "start"));
    EXPECT_EQ(tries(), 1);
    EXPECT_FALSE(registry_->guests.save(before, after, "health", "again", {}, "start")) << "the race is lost";
    EXPECT_EQ(tries(), 1);
}

TEST_F(HealsTest, AServiceHasTriesOfItsOwnAndNoFault) {
    const Guest one = guest("alice-1");
    const auto begin = [&] { return registry_->heals.begin(one, "web", limit, "web is down"); };
    EXPECT_EQ(begin(), Outcome::begun);
    EXPECT_EQ(begin(), Outcome::begun);
    EXPECT_EQ(begin(), Outcome::used_up);
    EXPECT_EQ(registry_->heals.count(one.id, "web", limit.forget), 2);
    EXPECT_EQ(tries(), 0);
    EXPECT_FALSE(guest("alice-1").fault);
}

TEST_F(HealsTest, APauseIsDurableAndItsTimeIsWhatPassed) {
    EXPECT_FALSE(registry_->heals.pause());
    registry_->heals.set_pause(root, 2h, "the switch");
    registry_.reset();
    open();
    time_ += 24h;  // somebody set the clock
    pass(1h);
    const auto pause = registry_->heals.pause();
    ASSERT_TRUE(pause);
    EXPECT_EQ(pause->who, "root");
    EXPECT_EQ(pause->reason, "the switch");
    EXPECT_EQ(pause->left, Duration(1h));
    EXPECT_TRUE(registry_->heals.end_pause("root"));
    EXPECT_FALSE(registry_->heals.end_pause("root"));
    registry_->heals.set_pause(root, std::nullopt, "");
    EXPECT_EQ(registry_->heals.pause()->left, std::nullopt);
}

}  // namespace
}  // namespace drover::test
