#include "model/time.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refusal.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

TEST(Rfc3339, IsInUtcWithWholeSeconds) {
    EXPECT_EQ(to_rfc3339(Time{}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(to_rfc3339(Time{1'795'249'800'999ms}), "2026-11-21T08:30:00Z");
    EXPECT_EQ(to_rfc3339(Time{951'782'400'000ms}), "2000-02-29T00:00:00Z");
}

TEST(Now, IsBetweenTwoReadingsOfTheClock) {
    const auto before = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    const auto time = now();
    EXPECT_LE(before, time);
    EXPECT_LE(time, std::chrono::system_clock::now());
}

TEST(DurationText, HasEveryUnit) {
    EXPECT_EQ(parse_duration("250ms"), 250ms);
    EXPECT_EQ(parse_duration("90s"), 90s);
    EXPECT_EQ(parse_duration("5m"), 5min);
    EXPECT_EQ(parse_duration("8h"), 8h);
    EXPECT_EQ(parse_duration("2d"), 48h);
    EXPECT_EQ(parse_duration("0"), 0ms);
    EXPECT_EQ(parse_duration("36525d"), 24h * 36525);
}

TEST(DurationText, IsTheShortest) {
    EXPECT_EQ(to_text(Duration(90s)), "90s");
    EXPECT_EQ(to_text(Duration(5min)), "5m");
    EXPECT_EQ(to_text(Duration(36h)), "36h");
    EXPECT_EQ(to_text(Duration(24h)), "1d");
    EXPECT_EQ(to_text(Duration(1500ms)), "1500ms");
    EXPECT_EQ(to_text(Duration(0)), "0");
}

RC_GTEST_PROP(DurationText, ReadsBackWhatItWrites, ()) {
    const Duration duration(*rc::gen::inRange<long long>(0, 3'155'760'000'000));
    RC_ASSERT(parse_duration(to_text(duration)) == duration);
}

TEST(DurationText, RefusesEverythingElse) {
    for (const std::string text : {"", "5", "s", "-5s", "+5s", "5 s", "5.5s", "5S", "5s ", "1h30m", "36526d",
                                   "99999999999999999999s", "9223372036854775807d"})
        EXPECT_NE(refusal([&] { parse_duration(text); }).find("'" + text + "'"), std::string::npos) << text;
}

TEST(SizeText, IsInBytes) {
    EXPECT_EQ(parse_size("96MiB"), 96LL << 20);
    EXPECT_EQ(parse_size("1GiB"), 1LL << 30);
    EXPECT_EQ(parse_size("2TiB"), 2LL << 40);
    EXPECT_EQ(parse_size("4KiB"), 4096);
    EXPECT_EQ(parse_size("4096"), 4096);
}

TEST(SizeText, RefusesEverythingElse) {
    for (const std::string text :
         {"", "MiB", "96MB", "96M", "96 MiB", "-1", "1.5GiB", "8388608TiB", "9223372036854775808"})
        EXPECT_NE(refusal([&] { parse_size(text); }).find("'" + text + "'"), std::string::npos) << text;
}

}  // namespace
}  // namespace drover
