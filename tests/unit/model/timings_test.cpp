#include "model/timings.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

TEST(Timings, AreReadBackAsTheyWereWritten) {
    const Timings some{.build = Duration(3), .ready = Duration(120)};
    EXPECT_EQ(to_text(some), "build=3 ready=120");
    EXPECT_EQ(parse_timings(to_text(some)), some);
    EXPECT_EQ(parse_timings(""), Timings{});
}

TEST(Timings, WhatIsUnknownIsLeftOut) {
    EXPECT_EQ(parse_timings("later=5 start=x hello hello=7"), Timings{.hello = Duration(7)});
}

}  // namespace
}  // namespace drover
