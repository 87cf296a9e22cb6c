#include "model/wave.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wave_guests.hpp"

namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Wave, WhatLoadsNothingNeedsNoSlot) {
    Wave wave(all("in_flight=1"));
    for (const Step step :
         {Step::build, Step::identify, Step::park, Step::adopt, Step::resume, Step::press, Step::force, Step::retire}) {
        EXPECT_TRUE(wave.enter(stopped(1), step, at(0s)));
    }
    EXPECT_EQ(wave.waiting() + wave.taken(), 0U);
}

TEST(Wave, WhoIsCalledByNameGoesInNaturalOrder) {
    Wave wave(all("in_flight=2"));
    for (const GuestId id : {10, 9, 2, 1}) EXPECT_FALSE(wave.enter(stopped(id), Step::start, at(0s)));
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(1, 2));
    EXPECT_THAT(begin(wave, at(0s)), IsEmpty());
    wave.leave(1, Ending::done, at(1s));
    EXPECT_THAT(begin(wave, at(1s)), ElementsAre(9));
    wave.leave(2, Ending::failed, at(2s));
    wave.leave(9, Ending::timed_out, at(2s));
    EXPECT_THAT(begin(wave, at(2s)), ElementsAre(10));
}

TEST(Wave, ASlotIsFreeWhenTheGuestIsReadyNotBefore) {
    Wave wave(all("in_flight=1"));
    line_up(wave, 1, 2);
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(1));
    Guest guest = stopped(1);
    guest.phase = Phase::starting;
    guest.have = guest.want;
    wave.note(guest, at(1s));
    EXPECT_THAT(wave.admit(at(1s)), IsEmpty());
    guest.phase = Phase::ready;
    wave.note(guest, at(2s));
    EXPECT_THAT(wave.admit(at(2s)), ElementsAre(2));
}

TEST(Wave, ASlotIsFreeWhenTheAttemptFailed) {
    Wave wave(all("in_flight=1"));
    line_up(wave, 1, 2);
    begin(wave, at(0s));
    Guest guest = stopped(1);
    guest.attempts = 1;
    wave.note(guest, at(1s));
    EXPECT_THAT(wave.admit(at(1s)), ElementsAre(2));
}

TEST(Wave, RetriesQueueBehindFirstTries) {
    Wave wave(all("in_flight=1"));
    Guest retry = stopped(1);
    retry.attempts = 1;
    wave.enter(retry, Step::start, at(0s));
    line_up(wave, 2, 2);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(2));
}

TEST(Wave, TheStaircaseIsExact) {
    Wave wave(all("15/30s"));
    line_up(wave, 1, 40);
    EXPECT_EQ(begin(wave, at(0s)).size(), 15U);
    EXPECT_THAT(begin(wave, at(29'999ms)), IsEmpty());
    EXPECT_EQ(wave.wake(at(1s)), at(30s));
    EXPECT_EQ(begin(wave, at(30s)).size(), 15U);
    EXPECT_EQ(begin(wave, at(60s)).size(), 10U);
}

TEST(Wave, NoIntervalHoldsMoreThanItsSize) {
    Wave wave(all("2/10s"));
    line_up(wave, 1, 1);
    EXPECT_EQ(begin(wave, at(0s)).size(), 1U);
    line_up(wave, 2, 4, at(9s));
    EXPECT_THAT(begin(wave, at(9s)), ElementsAre(2));
    EXPECT_THAT(begin(wave, at(10s)), ElementsAre(3));
    EXPECT_THAT(begin(wave, at(18s)), IsEmpty());
    EXPECT_THAT(begin(wave, at(19s)), ElementsAre(4));
}

TEST(Wave, EachHostHasItsOwnLimit) {
    Wave wave(all("per_host=1"));
    for (GuestId id = 1; id <= 4; ++id) {
        Guest guest = stopped(id);
        guest.host = id <= 2 ? "one" : "two";
        wave.enter(guest, Step::start, at(0s));
    }
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(1, 3));
    wave.leave(3, Ending::done, at(1s));
    EXPECT_THAT(begin(wave, at(1s)), ElementsAre(4));
}

TEST(Wave, RefillGivesWayToAnAdoptionForASecond) {
    Wave wave(all("in_flight=5"));
    Guest adopted = pooled(1);
    adopted.owner = "alice";
    adopted.phase = Phase::parked;
    EXPECT_TRUE(wave.enter(adopted, Step::adopt, at(10s)));
    for (const GuestId id : {2, 3}) wave.enter(pooled(id), Step::start, at(10s));
    EXPECT_THAT(begin(wave, at(10s)), IsEmpty());
    EXPECT_EQ(wave.waits_for(2, at(10s)), "a guest that is adopted on one");
    EXPECT_EQ(wave.wake(at(10s)), at(11s));
    EXPECT_THAT(wave.admit(at(11s)), ElementsAre(2)) << "one a second, or a busy pool would never be full again";
    EXPECT_THAT(wave.admit(at(11s)), IsEmpty());
    adopted.phase = Phase::ready;
    wave.note(adopted, at(11500ms));
    EXPECT_THAT(wave.admit(at(11500ms)), ElementsAre(3));
}

TEST(Wave, RefillWaitsForUpgradesAndTheseForStarts) {
    Wave wave(all("in_flight=1"));
    wave.enter(pooled(1), Step::start, at(0s));
    Guest old = ready(2);
    old.want.version = "v2";
    wave.enter(old, Step::stop, at(0s));
    line_up(wave, 3, 4);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(3));
    EXPECT_EQ(wave.waits_for(1, at(0s)), "starts go first: one of 1 starts in flight");
    wave.withdraw(3);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(4, 2, 1)) << "each class has its own limit, nobody is left before them";
}

TEST(Wave, AStopWaitsForNoStart) {
    Wave wave(all("in_flight=1"));
    line_up(wave, 1, 2);
    Guest guest = ready(3);
    guest.desired = Desired::stopped;
    wave.enter(guest, Step::stop, at(0s));
    EXPECT_THAT(wave.admit(at(0s)), testing::UnorderedElementsAre(1, 3));
}

TEST(Wave, OneSlotCoversStopAndStartOfARestart) {
    Wave wave(all("in_flight=1"));
    Guest guest = ready(1);
    guest.want.boot = 2;
    wave.enter(guest, Step::stop, at(0s));
    line_up(wave, 2, 2);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(1));
    EXPECT_TRUE(wave.enter(guest, Step::stop, at(0s)));
    for (const Phase phase : {Phase::stopping, Phase::stopped}) {
        guest.phase = phase;
        wave.note(guest, at(1s));
        EXPECT_THAT(wave.admit(at(1s)), IsEmpty());
    }
    EXPECT_TRUE(wave.enter(guest, Step::start, at(2s)));
    guest.have = guest.want;
    guest.phase = Phase::ready;
    wave.note(guest, at(3s));
    EXPECT_THAT(wave.admit(at(3s)), ElementsAre(2));
}

TEST(Wave, WhoDeclinesOrWithdrawsMakesRoomAndIsNotCounted) {
    Wave wave(all("2/10s"));
    line_up(wave, 1, 4);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(1, 2));
    wave.decline(1);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(3));
    EXPECT_TRUE(wave.enter(stopped(3), Step::start, at(0s)));
    wave.decline(3);
    EXPECT_THAT(wave.admit(at(0s)), IsEmpty()) << "it had begun";
    wave.withdraw(4);
    EXPECT_EQ(wave.waiting(), 0U);
    EXPECT_THAT(wave.admit(at(10s)), IsEmpty());
}

TEST(Wave, WhoNeedsNothingAnyMoreLeavesTheLine) {
    Wave wave(all("in_flight=1"));
    line_up(wave, 1, 2);
    begin(wave, at(0s));
    Guest guest = stopped(2);
    guest.desired = Desired::stopped;
    wave.note(guest, at(0s));
    EXPECT_EQ(wave.waiting(), 0U);
}

TEST(Wave, SlotsSurviveAKill) {
    Wave wave(all("in_flight=3"));
    Guest starting = stopped(1);
    starting.phase = Phase::starting;
    Guest restarting = ready(2);
    restarting.want.boot = 2;
    restarting.phase = Phase::stopping;
    Guest stopping = ready(3);
    stopping.phase = Phase::stopping;
    stopping.desired = Desired::stopped;
    for (const Guest& guest : {starting, restarting, stopping, stopped(4), ready(5)}) wave.take_over(guest, at(0s));
    EXPECT_EQ(wave.taken(WaveClass::start), 2U);
    EXPECT_EQ(wave.taken(WaveClass::stop), 1U);
    line_up(wave, 6, 7);
    EXPECT_THAT(wave.admit(at(1s)), ElementsAre(6));
    restarting.phase = Phase::stopped;
    EXPECT_TRUE(wave.enter(restarting, Step::start, at(2s)));
}

TEST(Wave, JitterIsSeededAndBounded) {
    Wave wave(all("in_flight=100,jitter=2s"), 7);
    Wave same(all("in_flight=100,jitter=2s"), 7);
    Wave other(all("in_flight=100,jitter=2s"), 8);
    std::vector<std::pair<Instant, GuestId>> begins;
    std::vector<std::pair<Instant, GuestId>> others;
    for (Wave* each : {&wave, &same, &other}) line_up(*each, 1, 50);
    for (Instant now = at(0s); now <= at(2s); now += 1ms) {
        const Ids called = wave.admit(now);
        EXPECT_EQ(same.admit(now), called);
        for (const GuestId id : called) begins.emplace_back(now, id);
        for (const GuestId id : other.admit(now)) others.emplace_back(now, id);
    }
    EXPECT_EQ(begins.size(), 50U);
    EXPECT_NE(begins, others);
    EXPECT_GT(begins.back().first - begins.front().first, 1s);
}

TEST(Wave, ACalledOneBeginsNotBeforeItsJitter) {
    Wave wave(all("in_flight=1,jitter=10s"), 3);
    line_up(wave, 1, 1);
    EXPECT_THAT(wave.admit(at(0s)), IsEmpty());
    EXPECT_FALSE(wave.enter(stopped(1), Step::start, at(1ms)));
    wave.decline(1);
    const auto when = wave.wake(at(0s));
    ASSERT_TRUE(when);
    EXPECT_THAT(wave.admit(*when), ElementsAre(1));
    EXPECT_TRUE(wave.enter(stopped(1), Step::start, *when));
}

struct BrakeCase {
    std::string policy;
    HostLoad load;
    std::string text;
    bool floor = false;
};

TEST(Wave, BrakesHoldStartsAndSayWhy) {
    const std::vector<BrakeCase> cases{
        {"memory_some=10%", {.memory_some = 10.5}, "memory (some) pressure on one: 10 % of the last 10 s"},
        {"memory_full=10%", {.memory_full = 20}, "memory (full) pressure on one: 20 %"},
        {"io_some=10%", {.io_some = 20}, "io (some) pressure"},
        {"io_full=10%", {.io_full = 20}, "io (full) pressure"},
        {"free_memory=1GiB", {.free_memory = 1 << 20}, "memory on one: 1 MiB free, less than 1024 MiB", true},
        {"free_disk=1GiB", {.free_disk = 0}, "disk on one: 0 MiB free", true},
    };
    for (const BrakeCase& one : cases) {
        Wave wave(all(one.policy));
        wave.see("one", one.load, at(0s));
        line_up(wave, 1, 2);
        EXPECT_THAT(wave.admit(at(0s)), IsEmpty()) << one.policy;
        EXPECT_THAT(wave.waits_for(2, at(0s)), HasSubstr(one.text));
        EXPECT_THAT(wave.admit(at(299s)), IsEmpty());
        EXPECT_EQ(wave.admit(at(300s)), one.floor ? Ids{} : Ids{1}) << "one is let through after 5 minutes";
        wave.see("one", {}, at(301s));
        EXPECT_EQ(wave.admit(at(301s)).size() + wave.taken(), one.floor ? 4U : 3U) << "called and taken, 2 in all";
    }
}

TEST(Wave, BrakesNeverHoldAStop) {
    Wave wave(all("memory_full=1%,free_memory=1GiB"));
    wave.see("one", {.memory_full = 100, .free_memory = 0}, at(0s));
    Guest guest = ready(1);
    guest.desired = Desired::stopped;
    wave.enter(guest, Step::stop, at(0s));
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(1));
}

TEST(Wave, AReadingThatNobodyHasHoldsNobody) {
    Wave wave(all("memory_some=0%,memory_full=0%,io_some=0%,io_full=0%,free_memory=1TiB,free_disk=1TiB"));
    wave.see("one", {}, at(0s));
    line_up(wave, 1, 1);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(1));
}

}  // namespace
}  // namespace drover::test
