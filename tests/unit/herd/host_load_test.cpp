#include "herd/host_load.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

const std::string pressure =
    "some avg10=12.50 avg60=3.20 avg300=0.10 total=123\n"
    "full avg10=1.75 avg60=0.00 avg300=0.00 total=45\n";

TEST(HostLoad, PressureIsTheMeanOfTenSeconds) {
    EXPECT_EQ(pressure_in(pressure, "some"), 12.5);
    EXPECT_EQ(pressure_in(pressure, "full"), 1.75);
}

TEST(HostLoad, WhatTheKernelDoesNotTellIsLeftOut) {
    EXPECT_EQ(pressure_in("", "some"), std::nullopt);
    EXPECT_EQ(pressure_in("some thing else\n", "some"), std::nullopt);
    EXPECT_EQ(pressure_in("some avg10=1.0\n", "full"), std::nullopt);
    EXPECT_EQ(free_memory_in("MemTotal: 1 kB\n"), std::nullopt);
}

TEST(HostLoad, FreeMemoryIsWhatIsAvailable) {
    EXPECT_EQ(free_memory_in("MemTotal:   16 kB\nMemFree:  2 kB\nMemAvailable:   12 kB\n"), 12 << 10);
}

TEST(HostLoad, ThisHostHasCoresAndRoom) {
    const HostLoad load = read_host_load("/");
    EXPECT_GE(load.cores, 1);
    EXPECT_GT(load.free_memory, 0);
    EXPECT_GT(load.free_disk, 0);
}

}  // namespace
}  // namespace drover
