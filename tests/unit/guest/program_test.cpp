#include "guest/program.hpp"

#include <gtest/gtest.h>

#include "folder.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds long_enough{60'000};

std::string script(const Folder& folder, const std::string& text) {
    write(folder / "script", "#!/bin/sh\n" + text + "\n");
    std::filesystem::permissions(folder / "script", std::filesystem::perms::owner_all);
    return folder / "script";
}

TEST(Program, ends_well) {
    Folder folder;
    run_program(script(folder, "echo ran > " + (folder / "proof").string()), long_enough);
    EXPECT_EQ(content_of(folder / "proof"), "ran\n");
}

TEST(Program, that_ends_badly_is_an_error) {
    Folder folder;
    EXPECT_THROW(run_program(script(folder, "exit 3"), long_enough), Error);
    EXPECT_THROW(run_program(script(folder, "kill -9 $$"), long_enough), Error);
    EXPECT_THROW(run_program(folder / "absent", long_enough), Error);
}

TEST(Program, that_does_not_end_is_killed_with_its_children) {
    Folder folder;
    EXPECT_THROW(run_program(script(folder, "sleep 1000 & sleep 1000"), milliseconds(50)), Error);
}

TEST(Program, what_it_leaves_in_the_background_is_not_waited_for) {
    Folder folder;
    run_program(script(folder, "sleep 1 & exit 0"), long_enough);
}

}  // namespace
}  // namespace drover::guest
