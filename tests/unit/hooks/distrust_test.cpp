#include "process/distrust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "fixture.hpp"
#include "hooks/files.hpp"
#include "hooks/line_budget.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What is wrong with the hook "x" of the event guest-ready-post.
class HookFiles : public HookFolder {
  protected:
    std::string path_ = add("guest-ready-post", "x", "exit 0");

    [[nodiscard]] std::string why() const {
        const auto found = distrust(path_);
        return found ? found->why : "";
    }
    [[nodiscard]] std::string mend() const { return distrust(path_).value().mend; }
};

TEST_F(HookFiles, HOOK_5_OnlyWhatRootAloneCanWriteIsRun) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    EXPECT_EQ(why(), "");
    ::chmod(path_.c_str(), 0775);
    EXPECT_THAT(why(), HasSubstr("can be written by others"));
    EXPECT_EQ(mend(), "chmod go-w " + path_);
    ::chmod(path_.c_str(), 0644);
    EXPECT_THAT(why(), HasSubstr("not executable"));
    ::chmod(path_.c_str(), 0755);
    ASSERT_EQ(::chown(path_.c_str(), 12345, 0), 0);
    EXPECT_THAT(why(), HasSubstr("not root's"));
    ASSERT_EQ(::chown(path_.c_str(), 0, 0), 0);
    const auto event = fs::path(path_).parent_path();
    ::chmod(event.c_str(), 0777);
    EXPECT_EQ(mend(), "chmod go-w " + event.string());
    ::chmod(event.c_str(), 0755);
    EXPECT_EQ(why(), "");
}

TEST_F(HookFiles, HOOK_5_ALinkIsFollowedWhereOnlyRootWrites) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    const auto target = folder() + "/elsewhere";
    fs::create_directory(target);
    fs::rename(path_, target + "/program");
    fs::create_symlink("../elsewhere/./program", path_);
    EXPECT_EQ(why(), "");
    ::chmod(target.c_str(), 0777);
    EXPECT_THAT(why(), HasSubstr("elsewhere can be written"));
    ::chmod(target.c_str(), 0755);
    fs::remove(path_);
    fs::create_symlink("/nowhere/program", path_);
    EXPECT_THAT(why(), HasSubstr("No such file"));
    EXPECT_FALSE(distrust(path_)->absent) << "there is something that does not work";
    fs::remove(path_);
    EXPECT_TRUE(distrust(path_)->absent);
    fs::create_symlink(path_, path_);
    EXPECT_THAT(why(), HasSubstr("too many links"));
    fs::remove(path_);
    fs::create_directory(path_);
    EXPECT_THAT(why(), HasSubstr("no regular file"));
}

TEST_F(HookFiles, HaveNamesOfTheirOwn) {
    for (const auto* other : {"README", "mail.to", "x~", ".x.swp", "-x", "x.disabled"})
        add("guest-ready-post", other, "exit 0");
    add("guest-ready-post", "a-1", "exit 0");
    const auto hooks = hooks_at(folder(), "guest-ready-post");
    ASSERT_EQ(hooks.size(), 2U);
    EXPECT_EQ(hooks.at(0).label(), "guest-ready-post/a-1");
    EXPECT_EQ(hooks.at(1).path, path_);
    EXPECT_THAT(hooks_at(folder(), "fault-post"), IsEmpty());
    add("guest-redy-post", "x", "exit 0");
    const auto never_run = distrusted_hooks(folder());
    ASSERT_EQ(never_run.size(), 1U);
    EXPECT_THAT(never_run.front().why, HasSubstr("guest-redy-post is for no event"));
    EXPECT_THAT(never_run.front().mend, HasSubstr("guest-ready-post"));
}

TEST(Lines, HOOK_4_OfAHookAreBoundedAndCounted) {
    LineBudget budget;
    const auto begin = LineBudget::Clock::now();
    EXPECT_EQ(budget.take("a\x1b[1mb\x7f", begin), "a [1mb ");
    EXPECT_EQ(budget.take(std::string(10'000, 'x'), begin), std::string(500, 'x'));
    int told = 0;
    for (int i = 0; i < 100'000; ++i) told += budget.take("more", begin).empty() ? 0 : 1;
    EXPECT_EQ(told, 198);
    EXPECT_EQ(budget.take("next", begin + std::chrono::minutes(1)), "(99803 lines were left out) next");
}

}  // namespace
}  // namespace drover
