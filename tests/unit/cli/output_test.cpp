#include "cli/output.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace drover::cli {
namespace {

std::string printed(const Table& table, bool colour) {
    std::istringstream in;
    std::ostringstream out, err;
    Console console{in, out, err, false, false, colour};
    table.print(console);
    return out.str();
}

TEST(Tables, HaveColumnsInLine) {
    Table table({"NAME", "PHASE", "FAULT"});
    table.add({"alice-10", "ready", ""});
    table.add({"b", "", "start: für \x1b[2J nothing"});
    EXPECT_EQ(printed(table, false),
              "NAME      PHASE  FAULT\n"
              "alice-10  ready  -\n"
              "b         -      start: für  [2J nothing\n");
}

TEST(Tables, AreColouredOnlyWhereAsked) {
    Table table({"PHASE", "X"});
    table.add({"ready", "1"});
    EXPECT_EQ(printed(table, true), "PHASE  X\n\x1b[32mready\x1b[0m  1\n");
    EXPECT_EQ(printed(table, false), "PHASE  X\nready  1\n");
}

TEST(Fields, ReadAsAPersonWrites) {
    const wire::Json object{{"t", "text"}, {"n", 7}, {"none", nullptr}, {"list", {"a", "b", 3}}, {"yes", true}};
    EXPECT_EQ(field(object, "t"), "text");
    EXPECT_EQ(field(object, "n"), "7");
    EXPECT_EQ(field(object, "none"), "");
    EXPECT_EQ(field(object, "absent"), "");
    EXPECT_EQ(field(object, "list"), "a, b, 3");
    EXPECT_EQ(field(object, "yes"), "true");
}

TEST(Names, AreCutToAHandful) {
    EXPECT_EQ(some_of({"a", "b"}), "a, b");
    std::vector<std::string> many(12, "x");
    EXPECT_THAT(some_of(many), testing::EndsWith("x and 2 more"));
}

}  // namespace
}  // namespace drover::cli
