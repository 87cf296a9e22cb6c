#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/wave.hpp"
#include "wave_guests.hpp"

namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

/// Six guests of operation 12, of which the third and the fifth go first and are watched for 30 s.
class WaveCanaries : public testing::Test {
  protected:
    WaveCanaries() {
        wave.rule(12, {.policy = std::nullopt, .canaries = Canaries{.pending = {3, 5}, .settle = 30s}});
        for (GuestId id = 1; id <= 6; ++id) wave.enter(of_12(id), Step::start, at(0s));
    }
    static Guest of_12(GuestId id) {
        Guest guest = stopped(id);
        guest.operation = 12;
        return guest;
    }
    Ids begin_at(std::chrono::seconds time) {
        auto called = wave.admit(at(time));
        for (const GuestId id : called) EXPECT_TRUE(wave.enter(of_12(id), Step::start, at(time)));
        return called;
    }

    Wave wave{all("in_flight=100")};
};

TEST_F(WaveCanaries, GoFirstAndTheOthersWhenAllAreThereAndStayedSo) {
    EXPECT_THAT(begin_at(0s), ElementsAre(3, 5));
    EXPECT_EQ(wave.waits_for(1, at(0s)), "canaries of its operation, 2 still on their way");
    wave.leave(3, Ending::done, at(10s));
    EXPECT_THAT(begin_at(10s), IsEmpty());
    wave.leave(5, Ending::done, at(20s));
    EXPECT_THAT(begin_at(20s), IsEmpty());
    EXPECT_THAT(wave.waits_for(1, at(20s)), StartsWith("the canaries to stay well"));
    EXPECT_EQ(wave.wake(at(20s)), at(50s));
    EXPECT_THAT(begin_at(50s), ElementsAre(1, 2, 4, 6));
}

TEST_F(WaveCanaries, StopTheOthersWhenOneFails) {
    begin_at(0s);
    wave.leave(5, Ending::done, at(10s));
    wave.leave(3, Ending::failed, at(20s));
    const auto stopped_waves = wave.take_stopped();
    ASSERT_EQ(stopped_waves.size(), 1U);
    EXPECT_THAT(stopped_waves[0].reason, StartsWith("canary "));
    EXPECT_THAT(stopped_waves[0].put_back, ElementsAre(1, 2, 4, 6));
    EXPECT_THAT(begin_at(100s), IsEmpty());
}

TEST_F(WaveCanaries, HoldNobodyElse) {
    line_up(wave, 11, 11);
    EXPECT_THAT(wave.admit(at(0s)), ElementsAre(3, 5, 11));
}

TEST_F(WaveCanaries, ArePlanned) {
    const auto plan = wave.plan(at(0s));
    ASSERT_EQ(plan.size(), 6U);
    EXPECT_EQ(plan[0].id, 3);
    EXPECT_EQ(plan[1].id, 5);
    EXPECT_EQ(plan[2].begin, at(40s)) << "ten seconds to get there, thirty to stay";
}

TEST_F(WaveCanaries, ThatAreSaidAnewAfterAKillAreWaitedForAsBefore) {
    Wave anew(all("in_flight=100"));
    anew.rule(12, {.policy = std::nullopt, .canaries = Canaries{.pending = {}, .settle = 30s, .open_from = at(12s)}});
    for (GuestId id = 1; id <= 2; ++id) anew.enter(of_12(id), Step::start, at(0s));
    EXPECT_THAT(anew.admit(at(0s)), IsEmpty());
    EXPECT_THAT(anew.admit(at(12s)), ElementsAre(1, 2));
}

}  // namespace
}  // namespace drover::test
