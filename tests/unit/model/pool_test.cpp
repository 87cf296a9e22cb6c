#include "model/pool.hpp"

#include <gtest/gtest.h>

#include "model/error.hpp"
// after gtest
#include <rapidcheck/gtest.h>

namespace drover {
namespace {

constexpr int hour = 60, day = 24 * hour;

TEST(Schedule, IsReadAndWritten) {
    for (const std::string text : {"Mon 8:00 60", "Mon,Wed 18:30 5", "daily 0:00 0", "Sun 23:59 1000"})
        EXPECT_EQ(to_text(parse_schedule_entry(text)), text);
    EXPECT_EQ(to_text(parse_schedule_entry("Mon-Fri 08:05 7")), "Mon,Tue,Wed,Thu,Fri 8:05 7");
    EXPECT_EQ(to_text(parse_schedule_entry("Sat-Mon 8:00 7")), "Mon,Sat,Sun 8:00 7");
    for (const std::string text : {"", "Mon", "Mon 8:00", "mon 8:00 1", "Mon 8 1", "Mon 24:00 1", "Mon 8:60 1",
                                   "Mon 8:0 1", "Mon 8:00 1001", "Mon 8:00 -1", "Mon 8:00 1 1", "Mon  8:00 1",
                                   "Mon-Tue-Wed 8:00 1", "Mon, 8:00 1", "Mon 8:00 ", "M\xff 8:00 1"})
        EXPECT_THROW(parse_schedule_entry(text), Error) << text;
}

TEST(Schedule, TheEntryThatBeganLastCounts) {
    const std::vector<ScheduleEntry> schedule{parse_schedule_entry("Mon 8:00 60"),
                                              parse_schedule_entry("Mon-Fri 18:00 5")};
    EXPECT_EQ(scheduled(schedule, 8 * hour - 1), 5) << "since Friday evening";
    EXPECT_EQ(scheduled(schedule, 8 * hour), 60);
    EXPECT_EQ(scheduled(schedule, 18 * hour), 5);
    EXPECT_EQ(scheduled(schedule, day + 9 * hour), 5) << "Tuesday morning";
    EXPECT_EQ(scheduled(schedule, 6 * day), 5);
    EXPECT_EQ(scheduled({}, 0), std::nullopt);
}

RC_GTEST_PROP(Schedule, SaysTheSameWhereverTheClockComesFrom, ()) {
    std::vector<ScheduleEntry> schedule;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i)
        schedule.push_back({{*rc::gen::inRange(0, 7)}, *rc::gen::inRange(0, day), *rc::gen::inRange(0, 100)});
    const int minute = *rc::gen::inRange(0, minutes_of_week);
    const auto now = scheduled(schedule, minute);
    RC_ASSERT(now.has_value());
    int back = minute;  // the same entry is found by going back until one begins
    for (int i = 0; i < minutes_of_week; ++i, back = (back + minutes_of_week - 1) % minutes_of_week)
        for (const auto& entry : schedule)
            if (entry.days.front() * day + entry.minute == back) {
                RC_ASSERT(scheduled(schedule, back) == now);
                return;
            }
}

std::vector<Arrival> every(std::chrono::seconds between, std::vector<long long> counts) {
    std::vector<Arrival> arrivals;
    for (std::size_t i = 0; i < counts.size(); ++i)
        arrivals.push_back({Time{} + between * static_cast<int>(i), counts[i]});
    return arrivals;
}

TEST(Demand, IsTheQuantileOfWhatWasTakenAndNotYetMadeAgain) {
    using namespace std::chrono_literals;
    EXPECT_EQ(demanded({}, 3s, 95), 0);
    EXPECT_EQ(demanded(every(60s, {1, 1, 1, 1}), 3s, 95), 1) << "each is made again before the next is asked for";
    EXPECT_EQ(demanded(every(0s, {1, 1, 1, 1}), 3s, 100), 4) << "all at once";
    EXPECT_EQ(demanded(every(3s, {2, 2, 2, 2}), 3s, 100), 5) << "one is made between two requests";
    EXPECT_EQ(demanded(every(600s, {1, 1, 1, 1, 1, 1, 1, 1, 1, 30}), 3s, 90), 1);
    EXPECT_EQ(demanded(every(600s, {1, 1, 1, 1, 1, 1, 1, 1, 1, 30}), 3s, 91), 30);
}

TEST(ParkedTarget, TakesTheScheduleForTheFixedAndTheDemandWhereItIsMore) {
    PoolTargets targets{.parked = 10};
    EXPECT_EQ(parked_target(targets, std::nullopt, 50), 10) << "nobody asked to follow the demand";
    EXPECT_EQ(parked_target(targets, 3, 0), 3);
    targets.demand = 95;
    EXPECT_EQ(parked_target(targets, 3, 7), 7);
    EXPECT_EQ(parked_target(targets, 3, 1'000'000), most_members);
}

}  // namespace
}  // namespace drover
