#include "herd/agenda.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <map>
#include <thread>
#include <vector>

namespace drover {
namespace {

using namespace std::chrono_literals;

TEST(Agenda, GivesEachGuestOnceHoweverOftenItWasAdded) {
    Agenda agenda;
    for (const GuestId id : {7, 7, 8, 7}) agenda.add(id);
    EXPECT_EQ(agenda.take(), 7);
    EXPECT_EQ(agenda.take(), 8);
    agenda.close();
    EXPECT_FALSE(agenda.take());
}

TEST(Agenda, NewsDuringTheWorkBringsTheGuestBackAfterwards) {
    Agenda agenda;
    agenda.add(1);
    ASSERT_EQ(agenda.take(), 1);
    agenda.add(1);
    agenda.add(2);
    EXPECT_EQ(agenda.take(), 2) << "guest 1 is still being worked on";
    agenda.done(1);
    EXPECT_EQ(agenda.take(), 1);
}

TEST(Agenda, RingsAtItsTimeAndALaterTimeReplacesAnEarlierOne) {
    Agenda agenda;
    const auto start = Agenda::Clock::now();
    agenda.add_at(1, start + 1h);
    agenda.add_at(1, start + 20ms);
    EXPECT_EQ(agenda.take(), 1);
    EXPECT_GE(Agenda::Clock::now(), start + 20ms);
}

TEST(Agenda, WhoWaitsForALaterTimeIsWokenByAnEarlierOne) {
    Agenda agenda;
    agenda.add_at(1, Agenda::Clock::now() + 1h);
    auto taken = std::async(std::launch::async, [&] { return agenda.take(); });
    taken.wait_for(20ms);  // until it waits, most likely
    agenda.add_at(2, Agenda::Clock::now() + 20ms);
    const bool came = taken.wait_for(30s) == std::future_status::ready;
    if (!came) agenda.close();
    EXPECT_TRUE(came && taken.get() == 2);
}

TEST(Agenda, AnAlarmRingsThoughWhoWatchedItWorksOnSomethingElse) {
    Agenda agenda;
    std::promise<void> work_is_over;
    std::atomic<int> rung = 0;
    const auto worker = [&, over = work_is_over.get_future().share()] {
        while (const auto id = agenda.take()) {
            if (*id == 1) rung = 1;
            if (*id != 1) over.wait();
            agenda.done(*id);
        }
    };
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; ++i) workers.emplace_back(worker);
    agenda.add_at(1, Agenda::Clock::now() + 50ms);
    std::this_thread::sleep_for(10ms);  // until one watches, most likely
    agenda.add(2);
    agenda.add(3);
    for (int i = 0; i < 3000 && rung == 0; ++i) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(rung, 1) << "two of three workers are at work, the third was not told of the alarm";
    work_is_over.set_value();
    agenda.close();
    for (std::thread& thread : workers) thread.join();
}

TEST(Agenda, ATimeThatHasPassedIsNow) {
    Agenda agenda;
    agenda.add_at(3, Agenda::Clock::now() - 1h);
    EXPECT_EQ(agenda.take(), 3);
}

TEST(Agenda, NeverGivesOneGuestToTwoThreads) {
    constexpr GuestId guests = 5;
    constexpr int turns = 2000;
    Agenda agenda;
    std::map<GuestId, std::atomic<int>> holders;
    for (GuestId id = 1; id <= guests; ++id) holders[id] = 0;
    std::atomic<int> left = turns;
    std::atomic<bool> doubled = false;
    const auto work = [&] {
        while (const auto id = agenda.take()) {
            if (++holders.at(*id) != 1) doubled = true;
            const int now_left = --left;
            if (now_left > 0) agenda.add(*id);
            --holders.at(*id);
            agenda.done(*id);
            if (now_left <= 0) agenda.close();
        }
    };
    for (GuestId id = 1; id <= guests; ++id) agenda.add(id);
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) workers.emplace_back(work);
    for (std::thread& worker : workers) worker.join();
    EXPECT_FALSE(doubled);
    EXPECT_LE(left, 0);
}

}  // namespace
}  // namespace drover
