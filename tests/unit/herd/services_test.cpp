// The herd and the services of its guests.
#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover {
namespace {

using testing::ElementsAre;

struct HerdServices : HerdTest {
    GuestId make_one() {
        const auto id = registry.guests.ids_in(request(1).operation).front();
        EXPECT_TRUE(reaches(id, Phase::ready));
        return id;
    }
    std::string states(GuestId id) {
        std::string text;
        for (const auto& row : herd->services().list({.all = true}, std::nullopt))
            if (row.id == id) text += row.service + "=" + std::string(to_text(row.status)) + " ";
        return text;
    }
    /// States are no news of the log: they come a little later than what is.
    bool becomes(GuestId id, const std::string& expected) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (states(id) != expected && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(1ms);
        return states(id) == expected;
    }
    Operation tell(ServiceVerb verb, const std::string& glob = "*") {
        return herd->services().change(root, {verb, "web", {.globs = {glob}}}, std::nullopt);
    }
};

TEST_F(HerdServices, a_guest_that_gets_ready_is_brought_to_what_is_wanted) {
    start_herd();
    const auto id = make_one();
    EXPECT_TRUE(becomes(id, "ssh=up web=up ")) << states(id);
    EXPECT_EQ(outcome_of(tell(ServiceVerb::disable).id), "done");
    EXPECT_TRUE(becomes(id, "ssh=up web=down "));
    EXPECT_EQ(outcome_of(ask(Verb::restart)), "done");
    EXPECT_TRUE(becomes(id, "ssh=up web=down ")) << "after a boot, too";
    EXPECT_TRUE(herd->services().down_though_wanted().empty());
}

TEST_F(HerdServices, who_looks_after_guests_finds_what_is_down_and_restarts_it) {
    start_herd();
    const auto id = make_one();
    EXPECT_TRUE(becomes(id, "ssh=up web=up "));
    EXPECT_EQ(outcome_of(tell(ServiceVerb::stop).id), "done");
    const auto down = herd->services().down_though_wanted();
    ASSERT_EQ(down.size(), 1U);
    EXPECT_EQ(down[0].service, "web");
    const auto operation = herd->services().restart(down[0]);
    EXPECT_EQ(operation.who, "droverd");
    EXPECT_EQ(outcome_of(operation.id), "done");
    EXPECT_TRUE(herd->services().down_though_wanted().empty());
}

TEST_F(HerdServices, what_an_ended_daemon_had_not_done_is_done_by_the_next) {
    start_herd();
    const auto id = make_one();
    EXPECT_TRUE(becomes(id, "ssh=up web=up "));
    herd.reset();
    const auto declared = [&](const std::string& profile) -> const std::vector<Service>& {
        return overlays.profile(profile).services;
    };
    const Selection all{.globs = {"*"}};
    const auto disabled = registry.services.change(root, {ServiceVerb::disable, "web", all}, std::nullopt, declared);
    const auto keys = registry.services.tell_keys(root, all, std::nullopt);
    const auto password = registry.services.tell_password(root, {"alice-1", "root", ""}, std::nullopt);
    start_herd();
    EXPECT_EQ(outcome_of(disabled.id), "done");
    EXPECT_EQ(outcome_of(keys.id), "done");
    EXPECT_EQ(outcome_of(password.id), "failed") << "nobody knows it any more";
    EXPECT_TRUE(becomes(id, "ssh=up web=down "));
}

}  // namespace
}  // namespace drover
