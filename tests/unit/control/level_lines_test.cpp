// The line about a guest's clock, disk and memory.
#include <gtest/gtest.h>

#include "control/codec.hpp"
#include "model/error.hpp"

namespace drover::control {
namespace {

TEST(LevelLines, AreReadAsTheyWereWritten) {
    const Levels levels{1'763'800'000'123, 5, 1LL << 40, 0, most_bytes};
    const auto line = encode(FromGuest{levels});
    EXPECT_EQ(line, "LEVELS 1763800000123 5 1099511627776 0 1152921504606846976\n");
    EXPECT_EQ(decode_from_guest(line.substr(0, line.size() - 1)), FromGuest{levels});
}

TEST(LevelLines, ThatAreNotExactlyRightAreNone) {
    for (const auto* line : {"LEVELS", "LEVELS 1", "LEVELS 1 2 3 4", "LEVELS 1 2 3 4 5 6", "LEVELS 1 2 3 4  5",
                             "LEVELS 1 2 3 4 5 ", "LEVELS -1 2 3 4 5", "LEVELS 1 -2 3 4 5", "LEVELS 01 2 3 4 5",
                             "LEVELS 1 2 3 4 5x", "LEVELS 1 2.0 3 4 5", "LEVELS 253402300800000 2 3 4 5",
                             "LEVELS 1 4 3 4 5", "LEVELS 1 2 3 6 5", "LEVELS 1 2 1152921504606846977 4 5",
                             "LEVELS 1 2 99999999999999999999999 4 5", "levels 1 2 3 4 5", "LEVELS +1 2 3 4 5"})
        EXPECT_FALSE(decode_from_guest(line)) << line;
    EXPECT_FALSE(decode_from_daemon("LEVELS 1 2 3 4 5"));
}

}  // namespace
}  // namespace drover::control
