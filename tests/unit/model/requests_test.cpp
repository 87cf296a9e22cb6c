#include "model/requests.hpp"

#include <gtest/gtest.h>

#include "refusal.hpp"

namespace drover {
namespace {

TEST(VerbWords, ReadBackAsWritten) {
    for (const auto* word : {"start", "stop", "restart", "rebuild", "retire", "upgrade", "rollback", "snapshot",
                             "backup", "export", "restore", "recover"})
        EXPECT_EQ(to_text(parse_verb(word)), word);
    EXPECT_EQ(
        refusal([] { parse_verb("destroy"); }),
        "unknown verb 'destroy' | one of: start, stop, restart, rebuild, retire, upgrade, rollback, snapshot, backup, "
        "export, restore, recover");
}

TEST(OperationName, ReadsBackAsWritten) {
    EXPECT_EQ(operation_name(12), "o-12");
    EXPECT_EQ(parse_operation_name("o-12"), 12);
    EXPECT_EQ(parse_operation_name("o-9223372036854775807"), 9223372036854775807LL);
}

TEST(OperationName, RefusesEverythingElse) {
    for (const std::string text :
         {"", "12", "o-", "o-0", "o--1", "o-012", "o-1x", "o- 1", "O-1", "o-9223372036854775808"})
        EXPECT_NE(refusal([&] { parse_operation_name(text); }).find("'" + text + "'"), std::string::npos) << text;
}

}  // namespace
}  // namespace drover
