#include "guest/levels.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace drover::guest {
namespace {

TEST(Levels, MemoryIsWhatTheKernelSaysIsAvailable) {
    const auto memory =
        memory_in("MemTotal:         100 kB\nMemFree:  1 kB\nMemAvailable:     40 kB\nSwapTotal: 9 kB\n");
    ASSERT_TRUE(memory);
    EXPECT_EQ(memory->size, 100 * 1024);
    EXPECT_EQ(memory->free, 40 * 1024);
    EXPECT_EQ(memory_in("MemTotal: 1 kB\nMemAvailable: 2 kB\n")->free, 1024) << "never more than there is";
    for (const auto* text : {"", "MemTotal: 1 kB\n", "MemTotal: x\nMemAvailable: 1 kB\n",
                             "MemTotal:", "MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n"})
        EXPECT_FALSE(memory_in(text)) << text;
}

TEST(Levels, OfThisMachineCanBeTold) {
    const auto levels = read_levels("/");
    ASSERT_TRUE(levels);
    EXPECT_GT(levels->time, 1'700'000'000'000);
    EXPECT_GT(levels->disk_size, 0);
    EXPECT_LE(levels->disk_used, levels->disk_size);
    EXPECT_LE(levels->memory_free, levels->memory_size);
    EXPECT_EQ(control::decode_from_guest(control::encode(control::FromGuest{*levels})
                                             .substr(0, control::encode(control::FromGuest{*levels}).size() - 1)),
              control::FromGuest{*levels});
    EXPECT_FALSE(read_levels("/nonexistent"));
}

}  // namespace
}  // namespace drover::guest
