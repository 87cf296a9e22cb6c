#include "model/rounds.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <semaphore>

namespace drover {
namespace {

using namespace std::chrono_literals;

TEST(Rounds, FollowEachOther) {
    std::counting_semaphore<> done(0);
    Rounds rounds;
    rounds.start("test", 0, [&] {
        done.release();
        return Duration(1ms);
    });
    for (int i = 0; i < 3; ++i) done.acquire();
}

TEST(Rounds, AreWokenFromTheirRest) {
    std::counting_semaphore<> done(0);
    Rounds rounds;
    rounds.start("test", 0, [&] {
        done.release();
        return Duration(24h);
    });
    done.acquire();
    rounds.wake();
    done.acquire();
}

TEST(Rounds, AWordThatComesDuringARoundOrBeforeTheFirstIsNotLost) {
    std::counting_semaphore<> begun(0), go_on(0);
    Rounds rounds;
    rounds.wake();
    rounds.start("test", 0, [&] {
        begun.release();
        go_on.acquire();
        return Duration(24h);
    });
    begun.acquire();  // the word from before the start
    go_on.release();
    begun.acquire();
    rounds.wake();  // during the second
    go_on.release();
    begun.acquire();
    go_on.release();
}

TEST(Rounds, EndWithTheOneUnderWay) {
    std::binary_semaphore begun(0), go_on(0);
    std::atomic<int> count = 0;
    Rounds rounds;
    rounds.start("test", 0, [&] {
        begun.release();
        go_on.acquire();
        ++count;
        return Duration(0);
    });
    begun.acquire();
    auto ended = std::async(std::launch::async, [&] { rounds.end(); });
    EXPECT_EQ(count, 0);
    go_on.release(1);
    // The round after it may have begun before end() was called: it is let go, too.
    while (ended.wait_for(1ms) != std::future_status::ready) {
        if (begun.try_acquire()) go_on.release();
    }
    const int at_the_end = count;
    EXPECT_GE(at_the_end, 1);
    rounds.end();
    EXPECT_EQ(count, at_the_end);
}

TEST(Rounds, NeedNoStart) {
    Rounds rounds;
    rounds.wake();
    rounds.end();
}

}  // namespace
}  // namespace drover
