#include "herd/watch.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

using Clock = Watch::Clock;

TEST(WatchTest, AReadyGuestsTimeGoesOnWhenTouchIsLost) {
    Watch watch;
    const auto begin = Clock::now();
    watch.note_phase(Phase::ready, begin);
    watch.phase = Phase::gone;  // as when the hypervisor is lost: timeouts start anew
    watch.note_phase(Phase::ready, begin + std::chrono::minutes(5));
    EXPECT_EQ(watch.entered, begin + std::chrono::minutes(5));
    EXPECT_EQ(watch.ready_since, begin);
    watch.note_phase(Phase::stopped, begin + std::chrono::minutes(6));
    EXPECT_FALSE(watch.ready_since);
}

}  // namespace
}  // namespace drover
