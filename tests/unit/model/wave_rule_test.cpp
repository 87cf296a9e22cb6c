#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/wave.hpp"
#include "wave_guests.hpp"

namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Guest stopped_by(GuestId id, OperationId operation) {
    Guest guest = stopped(id);
    guest.operation = operation;
    return guest;
}

TEST(WaveRule, AnOperationsStaircaseHoldsNobodyElse) {
    Wave wave(all("in_flight=100"));
    wave.rule(7, {.policy = parse_wave_policy("2/30s")});
    for (const GuestId id : {1, 2, 3, 4, 5}) wave.enter(stopped_by(id, 7), Step::start, at(0s));
    wave.enter(stopped_by(6, 8), Step::start, at(0s));
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(1, 2, 6));
    EXPECT_THAT(wave.waits_for(3, at(1s)), HasSubstr("2 per 30s"));
    EXPECT_EQ(wave.wake(at(1s)), at(30s));
    EXPECT_THAT(begin(wave, at(30s)), ElementsAre(3, 4));
}

TEST(WaveRule, AnOperationsNumberIsOfItsOwn) {
    Wave wave(all("in_flight=100"));
    wave.enter(stopped_by(9, 8), Step::start, at(0s));
    begin(wave, at(0s));
    wave.rule(7, {.policy = parse_wave_policy("in_flight=2")});
    for (const GuestId id : {1, 2, 3}) wave.enter(stopped_by(id, 7), Step::start, at(0s));
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(1, 2));
    wave.leave(1, Ending::done, at(1s));
    EXPECT_THAT(begin(wave, at(1s)), ElementsAre(3));
}

TEST(WaveRule, NobodyOfAPausedOneBeginsAndOthersGoOn) {
    Wave wave(all("in_flight=2"));
    for (const GuestId id : {1, 2, 3}) wave.enter(stopped_by(id, 7), Step::start, at(0s));
    begin(wave, at(0s));
    wave.rule(7, {.paused = true});
    wave.enter(stopped_by(4, 8), Step::start, at(0s));
    wave.leave(1, Ending::done, at(1s));
    EXPECT_THAT(begin(wave, at(1s)), ElementsAre(4));
    EXPECT_EQ(wave.waits_for(3, at(1s)), "o-7 to be resumed");
    EXPECT_EQ(wave.wake(at(1s)), std::nullopt);
    wave.rule(7, {});
    wave.leave(2, Ending::done, at(2s));
    EXPECT_THAT(begin(wave, at(2s)), ElementsAre(3));
}

TEST(WaveRule, APausedOneHoldsNoRefill) {
    Wave wave(all("in_flight=5"));
    wave.rule(7, {.paused = true});
    wave.enter(stopped_by(1, 7), Step::start, at(0s));
    Guest refill = stopped_by(2, 8);
    refill.owner.reset();
    wave.enter(refill, Step::start, at(0s));
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(2));
}

TEST(WaveRule, WhatIsOverIsForgotten) {
    Wave wave(all("in_flight=1"));
    wave.rule(7, {.policy = parse_wave_policy("1/30s")});
    EXPECT_THAT(wave.operations(), ElementsAre(7));
    for (const GuestId id : {1, 2}) wave.enter(stopped_by(id, 7), Step::start, at(0s));
    begin(wave, at(0s));
    wave.forget(7);
    EXPECT_THAT(wave.operations(), IsEmpty());
    wave.leave(1, Ending::done, at(1s));
    EXPECT_THAT(begin(wave, at(1s)), ElementsAre(2)) << "its class's policy holds it now";
}

TEST(WaveRule, WhoStopsAndIsWantedAgainWaitsForAStart) {
    Wave wave(all("in_flight=1"));
    Guest guest = stopped(1);
    guest.phase = Phase::ready;
    guest.desired = Desired::stopped;
    wave.enter(guest, Step::stop, at(0s));
    wave.admit(at(0s));
    EXPECT_TRUE(wave.enter(guest, Step::stop, at(0s)));
    line_up(wave, 2, 2);
    EXPECT_THAT(begin(wave, at(0s)), ElementsAre(2));
    EXPECT_FALSE(wave.enter(stopped(1), Step::start, at(1s))) << "a stop's slot is none for a start";
    EXPECT_THAT(wave.admit(at(1s)), IsEmpty());
}

}  // namespace
}  // namespace drover::test
