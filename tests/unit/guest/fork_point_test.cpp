#include "guest/fork_point.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "control/fields.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

struct AtForkPoint : testing::Test {
    std::vector<control::Renew> renewals;
    std::string trouble;
    ForkPoint point{[this](const control::Renew& asked) {
        if (!trouble.empty()) throw Error(ErrorKind::failed, trouble);
        renewals.push_back(asked);
    }};
    const control::Renew renew{7, control::to_base64(std::string(control::renewal_seed_bytes, 's')),
                               std::string(32, 'b'), "52:54:00:00:00:2a", 1'700'000'000'000};

    std::string say(const control::FromDaemon& message) {
        auto line = control::encode(message);
        line.pop_back();
        return point.answer(line);
    }
};

TEST_F(AtForkPoint, says_so_and_again_for_each_ping) {
    EXPECT_EQ(point.state(), "FORKABLE\n");
    EXPECT_EQ(say(control::Ping{3}), "OK 3\nFORKABLE\n");
    EXPECT_FALSE(point.passed());
}

TEST_F(AtForkPoint, is_passed_by_a_renewal) {
    EXPECT_EQ(say(renew), "OK 7\n");
    EXPECT_EQ(renewals, std::vector<control::Renew>{renew});
    EXPECT_TRUE(point.passed());
}

TEST_F(AtForkPoint, nothing_else_makes_a_guest_of_a_template) {
    EXPECT_TRUE(say(control::Key{1, "authorized", "ssh-ed25519 A"}).starts_with("ERR 1 this is a template"));
    EXPECT_TRUE(say(control::Stop{2}).starts_with("ERR 2 this is a template"));
    EXPECT_EQ(point.answer("RENEW 3 x"), "");
    EXPECT_EQ(point.answer(""), "");
    EXPECT_TRUE(renewals.empty());
    EXPECT_FALSE(point.passed());
}

TEST_F(AtForkPoint, a_fork_that_could_not_be_renewed_never_passes) {
    trouble = "/usr/libexec/renew ended with status 1";
    const auto refusal = "this fork could not be renewed: " + trouble + "\n";
    EXPECT_EQ(say(renew), "ERR 7 " + refusal);
    trouble.clear();
    EXPECT_EQ(say(renew), "ERR 7 " + refusal) << "what was half renewed stays so";
    EXPECT_EQ(say(control::Ping{8}), "ERR 8 " + refusal);
    EXPECT_EQ(point.state(), "ERR 0 " + refusal);
    EXPECT_TRUE(renewals.empty());
    EXPECT_FALSE(point.passed());
}

TEST_F(AtForkPoint, a_template_that_does_not_come_to_rest_says_why_and_is_never_forked) {
    point.give_up("it does not come to rest:\n\xff");
    EXPECT_EQ(point.state(), "ERR 0 it does not come to rest:??\n");
    EXPECT_EQ(say(renew), "ERR 7 it does not come to rest:??\n");
    EXPECT_FALSE(point.passed());
}

RC_GTEST_PROP(AtForkPointGarbage, is_dropped_without_an_answer, (const std::string& bytes)) {
    ForkPoint point([](const control::Renew&) {});
    RC_PRE(!control::decode_from_daemon(bytes));
    RC_ASSERT(point.answer(bytes).empty());
}

}  // namespace
}  // namespace drover::guest
