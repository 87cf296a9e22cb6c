#include "guest/kernel_line.hpp"

#include <gtest/gtest.h>

#include "model/error.hpp"

namespace drover::guest {

TEST(KernelLine, reads_what_the_model_writes) {
    Profile profile;
    profile.persistent = {"/home", "/root"};
    profile.merged = {"/etc/hosts"};
    profile.volatile_ = {"/tmp", "/var/tmp"};
    const auto line = parse_kernel_line("console=ttyS0 quiet " + kernel_parameters(profile) + " panic=-1\n");
    EXPECT_EQ(line, (KernelLine{profile, {}, false}));
}

TEST(KernelLine, of_others_is_of_no_interest) {
    EXPECT_EQ(parse_kernel_line(""), KernelLine{});
    EXPECT_EQ(parse_kernel_line("quiet  root=/dev/vda init=../x\n"), KernelLine{});
}

TEST(KernelLine, tells_the_version_by_a_word_that_an_older_guests_end_takes_for_anothers) {
    EXPECT_EQ(parse_kernel_line("quiet droverd.version=sha256:7ead drover.volatile=/tmp\n").version, "sha256:7ead");
    EXPECT_EQ(parse_kernel_line("drover.volatile=/tmp").version, "");
}

TEST(KernelLine, probe) { EXPECT_TRUE(parse_kernel_line("quiet drover.probe\n").probe); }

TEST(KernelLine, of_a_template) {
    EXPECT_EQ(parse_kernel_line("quiet drover.template=early\n").template_, "early");
    EXPECT_EQ(parse_kernel_line("quiet drover.template=ready droverd.version=sha256:7ead").template_, "ready");
    EXPECT_EQ(parse_kernel_line("quiet").template_, "");
}

TEST(KernelLine, what_a_rebuild_leaves) {
    EXPECT_EQ(parse_kernel_line("quiet drover.keep=7,/home,/var/lib/mysql").keep,
              (Keep{7, {"/home", "/var/lib/mysql"}}));
}

TEST(KernelLine, refuses_paths_that_lead_elsewhere_and_unknown_words) {
    for (const char* text :
         {"drover.persistent=home", "drover.persistent=/", "drover.persistent=/a/../b", "drover.persistent=/a/..",
          "drover.merged=/a//b", "drover.volatile=/a,,/b", "drover.volatile=/./a", "drover.probe=1", "drover.template",
          "drover.template=late", "drover.shell", "drover.persistant=/home", "drover.keep=/home", "drover.keep=0,/home",
          "drover.keep=7,home"})
        EXPECT_THROW(parse_kernel_line(text), Error) << text;
}

}  // namespace drover::guest
