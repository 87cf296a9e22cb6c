#include "health/rules.hpp"

#include <gmock/gmock.h>

#include <map>
#include <random>

/// What health decides, on a clock of the tests' own.
namespace drover::health {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const Clock::time_point start{1h};

Pulse pulse(Duration quiet, int unanswered) {
    return {.id = 1,
            .phase = Phase::ready,
            .run = drover::Run::running,
            .heard = {},
            .quiet_since = start - quiet,
            .unanswered = unanswered,
            .levels = {}};
}

TEST(HealthRules, EachOfManyIsLookedAtInEachIntervalAndNobodyLaterThanTwice) {
    constexpr Duration interval = 30s;
    constexpr GuestId guests = 10'000;
    std::mt19937 chance(7);
    std::uniform_int_distribution<int> late(0, 3000);
    std::vector<Duration> last(guests + 1, 0s);
    Duration longest{0}, now{0};
    std::map<long long, int> a_second;
    while (now < 10min) {
        const auto before = now;
        now += 1s + Duration(late(chance));  // a busy host wakes it late
        for (GuestId id = 1; id <= guests; ++id) {
            if (!is_due(id, before, now, interval)) continue;
            longest = std::max(longest, now - std::exchange(last[static_cast<std::size_t>(id)], now));
        }
    }
    for (GuestId id = 1; id <= guests; ++id) longest = std::max(longest, now - last[static_cast<std::size_t>(id)]);
    EXPECT_LE(longest, 2 * interval);
    EXPECT_GE(longest, interval - 4s);
}

TEST(HealthRules, MomentsAreSpreadEvenly) {
    for (const GuestId guests : {500, 10'000}) {
        for (auto at = 0s; at < 30s; ++at) {
            long long due = 0;
            for (GuestId id = 1; id <= guests; ++id) due += is_due(id, at + 30s, at + 31s, 30s) ? 1 : 0;
            EXPECT_NEAR(static_cast<double>(due), static_cast<double>(guests) / 30, static_cast<double>(guests) / 300)
                << at.count();
        }
    }
}

TEST(HealthRules, WhoWasHeldUpForAnIntervalLooksAtEverybodyOnce) {
    for (GuestId id = 1; id <= 100; ++id) EXPECT_TRUE(is_due(id, 10s, 41s, 30s));
}

TEST(HealthRules, AGuestIsAskedThreeTimesBeforeItIsActedOn) {
    EXPECT_EQ(interval_of({.interval = 30s, .unresponsive = 5min}), 30s);
    EXPECT_EQ(interval_of({.interval = 30s, .unresponsive = 30s}), 10s);
}

TEST(HealthRules, SilenceCountsOnlyWhereAWordWasAskedFor) {
    const Config::Health config{};
    EXPECT_EQ(judge(pulse(10min, 0), start, config), Verdict::well) << "this daemon slept";
    EXPECT_EQ(judge(pulse(10min, 1), start, config), Verdict::suspect) << "its answer may be on its way";
    EXPECT_EQ(judge(pulse(10min, 2), start, config), Verdict::silent);
    EXPECT_EQ(judge(pulse(299s, 9), start, config), Verdict::suspect);
    EXPECT_EQ(judge(pulse(149s, 4), start, config), Verdict::well);
    for (const drover::Run run : {drover::Run::off, drover::Run::paused, drover::Run::unknown}) {
        Pulse other = pulse(10min, 9);
        other.run = run;
        EXPECT_EQ(judge(other, start, config), Verdict::well);
    }
    Pulse starting = pulse(10min, 9);
    starting.phase = Phase::starting;
    EXPECT_EQ(judge(starting, start, config), Verdict::well) << "that is the step table's";
}

TEST(HealthRules, AShareOfTheHerdAndNotOneOrTwoGuestsHoldTheLadder) {
    const Config::Health config{};
    EXPECT_THAT(too_many({.watched = 4, .sick = 2}, config), IsEmpty());
    EXPECT_THAT(too_many({.watched = 6, .sick = 3}, config), HasSubstr("3 of 6"));
    EXPECT_THAT(too_many({.watched = 100, .sick = 20}, config), IsEmpty());
    EXPECT_THAT(too_many({.watched = 100, .sick = 21}, config), HasSubstr("more than 20 %"));
}

TEST(HealthRules, TheHostIsNoJudgeUnderTheBrakesOfStarts) {
    const Brakes brakes{
        .memory_some = 60, .memory_full = 20, .io_some = {}, .io_full = 90, .free_memory = 64LL << 20, .free_disk = {}};
    HostLoad load;
    EXPECT_THAT(host_trouble(load, brakes), IsEmpty()) << "what the kernel does not tell holds nobody";
    load.memory_full = 20;
    load.free_memory = 64LL << 20;
    load.io_some = 99;
    EXPECT_THAT(host_trouble(load, brakes), IsEmpty());
    load.memory_full = 21;
    EXPECT_THAT(host_trouble(load, brakes), HasSubstr("memory (full) 21 %"));
    load.free_memory = (64LL << 20) - 1;
    EXPECT_THAT(host_trouble(load, brakes), HasSubstr("63 MiB of memory left"));
}

TEST(HealthRules, AHoldEndsAnIntervalAfterItsLastReason) {
    Suspension suspension;
    EXPECT_FALSE(suspension.note("", start, 30s));
    EXPECT_TRUE(suspension.note("many", start, 30s));
    EXPECT_FALSE(suspension.note("more", start + 1s, 30s)) << "it is told once";
    EXPECT_EQ(suspension.reason(), "many");
    EXPECT_FALSE(suspension.note("", start + 30s, 30s));
    EXPECT_FALSE(suspension.note("again", start + 30s, 30s));
    EXPECT_FALSE(suspension.note("", start + 59s, 30s));
    EXPECT_TRUE(suspension.note("", start + 60s, 30s));
    EXPECT_EQ(suspension.reason(), "");
}

TEST(HealthRules, AlarmsHaveAThresholdAndAWayBackAndAreNoFlood) {
    Alarm alarm;
    EXPECT_FALSE(alarm.note(false, true, start));
    EXPECT_TRUE(alarm.note(true, false, start));
    EXPECT_FALSE(alarm.note(true, false, start + 1h)) << "it is said once";
    EXPECT_FALSE(alarm.note(false, false, start + 1h)) << "a little under it is not over yet";
    EXPECT_TRUE(alarm.note(false, true, start + 1h));
    int said = 0;
    for (auto at = start + 1h; at < start + 2h; at += 1s) said += alarm.note(true, true, at) ? 1 : 0;
    EXPECT_LE(said, 6) << "numbers that jump at every look";
}

TEST(HealthRules, LevelsAreToldInWords) {
    Alarms alarms;
    const Config::Health config{};
    GuestLevels levels{
        .disk_used = 95 << 20, .disk_size = 100 << 20, .memory_free = 50 << 20, .memory_size = 100 << 20};
    EXPECT_THAT(alarms.note(levels, config, start), ElementsAre("its disk is 95 % full, 5 MiB are left"));
    levels.disk_used = 50 << 20;
    levels.memory_free = 0;
    levels.ahead = -2min;
    EXPECT_THAT(alarms.note(levels, config, start + 1h),
                ElementsAre("its disk has room again: 50 % full", "its memory is 100 % used, 0 MiB are left",
                            "its clock is 2m 0s behind the host's"));
}

TEST(HealthRules, NoNumbersOfAGuestDoHarm) {
    const Config::Health config{};
    constexpr std::int64_t most = std::int64_t{1} << 60;
    for (const std::int64_t used : {std::int64_t{0}, most})
        for (const std::int64_t size : {std::int64_t{0}, std::int64_t{1}, most}) {
            Alarms alarms;
            GuestLevels levels{.disk_used = std::min(used, size),
                               .disk_size = size,
                               .memory_free = std::min(used, size),
                               .memory_size = size};
            levels.ahead = Duration(253'402'300'799'999);
            EXPECT_LE(alarms.note(levels, config, start).size(), 3U);
        }
}

TEST(HealthRules, TimesAreForPeople) {
    EXPECT_EQ(in_words(2345ms), "2.3s");
    EXPECT_EQ(in_words(303s), "5m 3s");
    EXPECT_EQ(in_words(8h + 5min), "8h 5m");
    EXPECT_EQ(in_words(50h), "2d 2h");
}

}  // namespace
}  // namespace drover::health
