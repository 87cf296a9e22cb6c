#include "model/profile.hpp"

#include <gtest/gtest.h>

namespace drover {
namespace {

TEST(KernelParameters, CarryTheLists) {
    Profile profile;
    profile.persistent = {"/home", "/root"};
    profile.merged = {"/etc/hosts"};
    profile.volatile_ = {"/tmp"};
    EXPECT_EQ(kernel_parameters(profile),
              "drover.persistent=/home,/root drover.merged=/etc/hosts drover.volatile=/tmp");
}

TEST(KernelParameters, LeaveOutAnEmptyList) {
    Profile profile;
    EXPECT_EQ(kernel_parameters(profile), "");
    profile.volatile_ = {"/tmp"};
    EXPECT_EQ(kernel_parameters(profile), "drover.volatile=/tmp");
}

}  // namespace
}  // namespace drover
