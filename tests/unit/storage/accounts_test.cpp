#include "storage/accounts.hpp"

#include "roots_fixture.hpp"

namespace drover {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

struct AccountsTest : RootsTest {
    /// A root with these users and groups beside root; " " divides them.
    void accounts(const std::string& users, const std::string& groups = "") {
        recipe_with("(echo root:x:0:0::/root:/bin/sh; printf '%s:/:/bin/false\\n' " + users + ") >tree/etc/passwd\n" +
                    "(echo root:x:0:; printf '%s:\\n' " + groups + ") >tree/etc/group");
    }
    Version build_after(const Version& earlier) {
        return roots.build("small", nullptr, std::chrono::minutes(20), {earlier.digest});
    }
};

TEST_F(AccountsTest, NewOnesAndOnesThatAreGoneAreFine) {
    accounts("mysql:x:101:101: old:x:102:102:", "mysql:x:101");
    const auto first = build();
    accounts("mysql:x:101:101:renamed new:x:103:103:", "mysql:x:101 new:x:103");
    const auto second = build_after(first);
    EXPECT_NE(second.digest, first.digest);
    EXPECT_EQ(build_after(second), second);
}

TEST_F(AccountsTest, ANumberThatChangesIsRefusedAndNothingOfItIsVisible) {
    accounts("mysql:x:101:101:");
    const auto first = build();
    accounts("mysql:x:102:102:");
    EXPECT_THAT(
        error_of([&] { build_after(first); }),
        AllOf(StartsWith("refused: build small: the user 'mysql' has the number 102, and had 101 in " + first.digest),
              HasSubstr("useradd -u"), HasSubstr("another image")));
    EXPECT_THAT(roots.versions(), testing::ElementsAre(first));
    EXPECT_NO_THROW(build()) << "as the first of its image it is as good as any";
}

TEST_F(AccountsTest, AGroupsNumberCountsAsWell) {
    accounts("", "ssl-cert:x:105");
    const auto first = build();
    accounts("", "ssl-cert:x:106");
    EXPECT_THAT(error_of([&] { build_after(first); }),
                HasSubstr("the group 'ssl-cert' has the number 106, and had 105"));
}

TEST_F(AccountsTest, ANumberIsNotGivenToAnother) {
    accounts("mysql:x:101:101:");
    const auto first = build();
    accounts("tomcat:x:101:101:");
    EXPECT_THAT(error_of([&] { build_after(first); }),
                HasSubstr("the new user 'tomcat' has the number 101, which was that of 'mysql'"));
    accounts("mysql:x:101:101: mariadb:x:101:101:");
    EXPECT_NO_THROW(build_after(first)) << "another name of the same";
}

TEST_F(AccountsTest, ARootWithoutAccountsOrADamagedOneHasNone) {
    const auto without = build();
    accounts("mysql:x:101:101:");
    const auto first = build_after(without);
    fs::remove(first.root);
    accounts("mysql:x:102:102:");
    EXPECT_NO_THROW(build_after(first));
}

}  // namespace
}  // namespace drover
