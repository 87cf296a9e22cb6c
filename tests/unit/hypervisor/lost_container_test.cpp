#include "hypervisor/lost_container.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace drover {
namespace {

TEST(LostContainer, TheControllersChildHearsSigtermAndNobodyElse) {
    const pid_t child = ::fork();
    if (child == 0)
        for (;;) ::pause();
    terminate_children(child);  // has none: must not be taken for its own parent
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, WNOHANG), 0);
    terminate_children(::getpid());
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), SIGTERM);
}

}  // namespace
}  // namespace drover
