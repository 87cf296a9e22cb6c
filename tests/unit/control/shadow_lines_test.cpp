// The lines about shadows.
#include <gtest/gtest.h>

#include "control/codec.hpp"
#include "control/fields.hpp"

namespace drover::control {
namespace {

const std::string path_line = "PATH 7 f:644:0:0:3:0123456789abcdef l:777:0:0:4:fedcba9876543210 /etc/a file";

TEST(ShadowLines, are_read_as_they_were_written) {
    for (const auto& line : {path_line, std::string("PATH 7 - d:1777:0:0 /a"), std::string("PATH 0 o:600:1:2 - /dev/x"),
                             std::string("SHADOWS 8 0"), std::string("SHADOWS 8 4096"), std::string("RESET 9 12")}) {
        const auto message = decode_from_daemon(line);
        ASSERT_TRUE(message) << line;
        EXPECT_EQ(encode(*message), line + "\n");
    }
    for (const auto* line :
         {"HIDDEN 7 0 edited", "HIDDEN 7 0 edited 12 copy 4095 opaque", "HIDDEN 7 3 deleted 1 replaced"}) {
        const auto message = decode_from_guest(line);
        ASSERT_TRUE(message) << line;
        EXPECT_EQ(encode(*message), std::string(line) + "\n");
    }
}

TEST(ShadowLines, that_are_not_exactly_right_are_none) {
    for (const auto* line : {"PATH 7 - - ",
                             "PATH 7 - - a",
                             "PATH 7 - - /",
                             "PATH 7 - - /a/",
                             "PATH 7 - - /a//b",
                             "PATH 7 - - /a/../b",
                             "PATH 7 - - /./a",
                             "PATH 7 - /a",
                             "PATH x - - /a",
                             "PATH 7 f - /a",
                             "PATH 7 d:888:0:0 - /a",
                             "PATH 7 d:10000:0:0 - /a",
                             "PATH 7 d:0755:0:0 - /a",
                             "PATH 7 d:755:0:-1 - /a",
                             "PATH 7 f:644:0:0:3:0123456789abcdeg - /a",
                             "PATH 7 f:644:0:0:3:0123 - /a",
                             "PATH 7 d:755:0:0:3 - /a",
                             "PATH 7 f:644:0:0::0123456789abcdef - /a",
                             "SHADOWS 8",
                             "SHADOWS 8 4097",
                             "SHADOWS 8 -1",
                             "SHADOWS 8 1 2",
                             "RESET 8",
                             "RESET 8 x"})
        EXPECT_FALSE(decode_from_daemon(line)) << line;
    for (const auto* line : {"HIDDEN 7", "HIDDEN 7 ", "HIDDEN 7 0", "HIDDEN 7 0 gone", "HIDDEN 7 0 edited ",
                             "HIDDEN 7 0 edited 1", "HIDDEN 7  0 edited", "HIDDEN 7 -1 edited", "HIDDEN x 0 edited",
                             "HIDDEN 7 edited 0", "HIDDEN 7 0 edited  1 copy"})
        EXPECT_FALSE(decode_from_guest(line)) << line;
}

}  // namespace
}  // namespace drover::control
