#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "control/codec.hpp"

namespace drover::control {
namespace {
using Lines = std::vector<std::string>;

Lines feed_in_pieces(LineReader& reader, std::string_view bytes) {
    Lines all;
    while (!bytes.empty()) {
        const auto size = *rc::gen::inRange<std::size_t>(1, bytes.size() + 1);
        for (auto& line : reader.feed(bytes.substr(0, size))) all.push_back(std::move(line));
        bytes.remove_prefix(size);
    }
    return all;
}
}  // namespace

TEST(LineReader, drops_all_up_to_the_first_newline_after_connecting) {
    LineReader reader;
    EXPECT_EQ(reader.feed("half a li"), Lines{});
    EXPECT_EQ(reader.feed("ne\nPING 1\nPI"), Lines{"PING 1"});
    EXPECT_EQ(reader.feed("NG 2\r\n"), Lines{"PING 2"});
}

TEST(LineReader, keeps_the_first_line_when_told_that_it_is_whole) {
    LineReader reader(false);
    EXPECT_EQ(reader.feed("PING 1\n\nPING 2\n"), (Lines{"PING 1", "", "PING 2"}));
}

TEST(LineReader, drops_a_line_that_is_too_long_and_goes_on_after_it) {
    LineReader reader(false);
    EXPECT_EQ(reader.feed(std::string(max_line - 1, 'x') + "\n"), Lines{std::string(max_line - 1, 'x')});
    EXPECT_EQ(reader.feed(std::string(max_line, 'x') + "\nPING 1\n"), Lines{"PING 1"});
    for (int i = 0; i < 1000; ++i) EXPECT_EQ(reader.feed(std::string(1000, 'y')), Lines{});
    EXPECT_EQ(reader.feed("z\nPING 2\n"), Lines{"PING 2"});
}

RC_GTEST_PROP(LineReader, the_pieces_in_which_bytes_come_make_no_difference, (bool synchronise)) {
    const auto bytes = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab\n\r")));
    LineReader whole(synchronise);
    LineReader pieces(synchronise);
    RC_ASSERT(feed_in_pieces(pieces, bytes) == whole.feed(bytes));
}

}  // namespace drover::control
