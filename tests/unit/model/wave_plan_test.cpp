#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "model/wave.hpp"
#include "wave_guests.hpp"

namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(WaveStop, StopsWhenTooManyOfTheFirstFail) {
    Wave wave(all("in_flight=100,stop_on=50%/4"));
    for (GuestId id = 1; id <= 10; ++id) {
        Guest guest = stopped(id);
        guest.operation = 12;
        wave.enter(guest, Step::start, at(0s));
    }
    const auto of_12 = [](GuestId id) {
        Guest guest = stopped(id);
        guest.operation = 12;
        return guest;
    };
    const Ids called = wave.admit(at(0s));
    EXPECT_THAT(called, ElementsAre(1, 2, 3, 4)) << "the first";
    for (const GuestId id : called) wave.enter(of_12(id), Step::start, at(0s));
    EXPECT_EQ(wave.waits_for(5, at(0s)), "enough of the first 4 of its operation to succeed");
    wave.leave(1, Ending::done, at(1s));
    wave.leave(2, Ending::failed, at(1s));
    wave.leave(3, Ending::failed, at(1s));
    EXPECT_THAT(wave.admit(at(1s)), IsEmpty());
    EXPECT_THAT(wave.take_stopped(), IsEmpty());
    wave.leave(4, Ending::timed_out, at(1s));
    const auto result = wave.take_stopped();
    ASSERT_EQ(result.size(), 1U);
    EXPECT_EQ(result[0].operation, 12);
    EXPECT_EQ(result[0].reason, "3 of the first 4 failed, more than 50 %");
    EXPECT_THAT(result[0].put_back, ElementsAre(5, 6, 7, 8, 9, 10));
    EXPECT_FALSE(wave.enter(of_12(5), Step::start, at(2s)));
    EXPECT_EQ(wave.waiting(), 0U) << "what is put back does not wait";
    EXPECT_THAT(wave.take_stopped(), IsEmpty());
    line_up(wave, 11, 11);
    EXPECT_THAT(wave.admit(at(2s)), ElementsAre(11)) << "others go on";
}

TEST(WaveStop, GoesOnWhenEnoughOfTheFirstSucceed) {
    Wave wave(all("in_flight=100,stop_on=50%/4"));
    for (GuestId id = 1; id <= 6; ++id) {
        Guest guest = stopped(id);
        guest.operation = 12;
        wave.enter(guest, Step::start, at(0s));
    }
    for (const GuestId id : wave.admit(at(0s))) wave.enter(stopped(id), Step::start, at(0s));
    wave.leave(1, Ending::failed, at(1s));
    wave.leave(2, Ending::done, at(1s));
    EXPECT_THAT(wave.admit(at(1s)), IsEmpty());
    wave.leave(3, Ending::done, at(1s));
    EXPECT_THAT(wave.admit(at(1s)), ElementsAre(5, 6));
}

TEST(WaveAdaptive, FitsTheCoresByWhatStartsCost) {
    Wave wave(all("adaptive"));
    wave.see("one", {.cores = 4}, at(0s));
    line_up(wave, 1, 200);
    EXPECT_EQ(begin(wave, at(0s)).size(), 2U) << "nothing is known: one for two cores";
    Instant now = at(0s);
    std::size_t most = 0;
    Ids under_way{1, 2};
    while (!under_way.empty()) {  // each takes 10 s and uses 2 CPU seconds, however many there are
        now += 10s;
        for (const GuestId id : std::exchange(under_way, {})) wave.leave(id, Ending::done, now, 2.0);
        under_way = begin(wave, now);
        most = std::max(most, under_way.size());
    }
    EXPECT_EQ(most, 25U) << "4 cores and a quarter more, a fifth of a core each";
}

TEST(WaveAdaptive, HalvesOnTimeoutsOnceARound) {
    Wave wave(all("adaptive"));
    wave.see("one", {.cores = 16}, at(0s));
    line_up(wave, 1, 100);
    EXPECT_EQ(begin(wave, at(0s)).size(), 8U);
    wave.leave(1, Ending::timed_out, at(10s));
    wave.leave(2, Ending::timed_out, at(11s));
    EXPECT_THAT(wave.admit(at(11s)), IsEmpty());
    for (GuestId id = 3; id <= 5; ++id) wave.leave(id, Ending::failed, at(12s));
    EXPECT_EQ(begin(wave, at(12s)).size(), 1U) << "4 at once now";
}

TEST(WavePlan, APlanIsTheOrderTheStaircaseAndTheEnds) {
    Wave wave(all("2/30s"));
    line_up(wave, 1, 5);
    const auto plan = wave.plan(at(0s));
    ASSERT_EQ(plan.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(plan[i].id, static_cast<GuestId>(i + 1));
        EXPECT_EQ(plan[i].begin, at(30s * static_cast<int>(i / 2)));
        EXPECT_EQ(plan[i].end, *plan[i].begin + 10s) << "nothing is known: ten seconds";
    }
    EXPECT_EQ(wave.waiting(), 5U) << "a plan changes nothing";
}

TEST(WavePlan, APlanGoesByWhatIsKnown) {
    Wave wave(all("in_flight=1"));
    line_up(wave, 1, 3);
    begin(wave, at(0s));
    wave.leave(1, Ending::done, at(4s), 1.0);
    begin(wave, at(4s));
    const auto plan = wave.plan(at(5s));
    ASSERT_EQ(plan.size(), 2U);
    EXPECT_EQ(plan[0].begin, at(4s));
    EXPECT_EQ(plan[0].end, at(8s));
    EXPECT_EQ(plan[1].begin, at(8s));
    EXPECT_EQ(plan[1].end, at(12s));
}

}  // namespace
}  // namespace drover::test
