#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string digest_two = "sha256:" + std::string(64, '2');
const std::string digest_three = "sha256:" + std::string(64, '3');

/// Three guests of alice's that are ready with the first version, and a second one that new guests get.
class UpgradesTest : public RegistryTest {
  protected:
    UpgradesTest() {
        add_owner("alice");
        request(asking("alice", 3));
        for (const auto* name : {"alice-1", "alice-2", "alice-3"}) get_ready(name);
        registry_->images.add("tiny", digest_two);
        registry_->images.promote(root, "tiny", digest_two);
    }

    /// As its steps leave it when it has come up with what is wanted.
    void get_ready(const std::string& name) {
        const auto before = guest(name);
        auto after = before;
        after.phase = Phase::ready;
        after.have = before.want;
        if (after.good != after.have.version) after.previous = std::exchange(after.good, after.have.version);
        ASSERT_TRUE(registry_->guests.save(before, after));
    }
    /// As its steps leave it when it never came up.
    void go_back(const std::string& name) {
        const auto before = guest(name);
        auto after = before;
        after.phase = Phase::stopped;
        after.want.version = before.good;
        ASSERT_TRUE(registry_->guests.save(before, after, "rollback", "not ready within 1m"));
    }
    static Change upgrading() { return {Verb::upgrade, {{}, "alice", false}}; }
    Operation ask(const Change& change) { return registry_->guests.change(root, change, std::nullopt); }
    std::vector<std::string> outcomes(OperationId id) {
        std::vector<std::string> result;
        for (const Item& item : operation(id).items) result.push_back(item.outcome);
        return result;
    }
    std::vector<std::string> wanted() {
        std::vector<std::string> result;
        for (const auto* name : {"alice-1", "alice-2", "alice-3"}) result.push_back(guest(name).want.version);
        return result;
    }
};

TEST_F(UpgradesTest, write_the_version_that_new_guests_get) {
    const auto id = ask(upgrading()).id;
    EXPECT_THAT(wanted(), ElementsAre(digest_two, digest_two, digest_two));
    for (const auto* name : {"alice-1", "alice-2", "alice-3"}) get_ready(name);
    EXPECT_EQ(operation(id).outcome, "done");
    EXPECT_THAT(outcomes(ask(upgrading()).id), ElementsAre("unchanged", "unchanged", "unchanged"));
}

TEST_F(UpgradesTest, are_not_for_guests_of_cloud_images) {
    auto clouded = more("alice", 1);
    clouded.profile = "cloud";
    request(clouded);
    const auto reason = [&](const Change& change) { return operation(ask(change).id).items.at(0).reason; };
    auto keeping = Change{Verb::rebuild, {{"alice-4"}}};
    keeping.keep = {"/home"};
    for (const auto& change : {Change{Verb::upgrade, {{"alice-4"}}}, Change{Verb::rollback, {{"alice-4"}}}, keeping})
        EXPECT_EQ(reason(change), "is of a cloud image, which has no shared root: update it from inside");
    EXPECT_EQ(guest("alice-4").want.version, digest_one);
    EXPECT_EQ(reason({Verb::rebuild, {{"alice-4"}}}), "") << "afresh is possible";
}

TEST_F(UpgradesTest, to_a_version_are_for_guests_of_its_image) {
    registry_->images.add("tiny", digest_three);
    registry_->images.add("debian", "sha256:dd");
    auto change = upgrading();
    change.to = "333";
    ask(change);
    EXPECT_EQ(guest("alice-1").want.version, digest_three);
    change.to = "dd";
    const auto refused = ask(change);
    EXPECT_THAT(outcomes(refused.id), ElementsAre("refused", "refused", "refused"));
    EXPECT_THAT(operation(refused.id).items[0].reason, HasSubstr("is of image 'tiny'"));
    change.to = "77";
    EXPECT_EQ(error_of([&] { ask(change); }).kind(), ErrorKind::not_found);
}

TEST_F(UpgradesTest, of_a_guest_that_is_off_wait_for_its_next_start) {
    change(Verb::stop, {"alice-1"});
    bring_home("alice-1");
    const auto id = ask({Verb::upgrade, {{"alice-1"}, std::nullopt, false}}).id;
    EXPECT_THAT(outcomes(id), ElementsAre("done"));
    EXPECT_EQ(guest("alice-1").want.version, digest_two);
}

TEST_F(UpgradesTest, of_a_guest_that_does_not_come_up_fail_and_say_why) {
    const auto id = ask({Verb::upgrade, {{"alice-1"}, std::nullopt, false}}).id;
    go_back("alice-1");
    EXPECT_THAT(outcomes(id), ElementsAre("failed"));
    EXPECT_EQ(operation(id).items[0].reason, "not ready within 1m; back to " + digest_one);
    EXPECT_EQ(operation(id).outcome, "failed");
}

TEST_F(UpgradesTest, are_undone_by_a_rollback_and_that_by_another) {
    const Change rollback{Verb::rollback, {{"alice-1"}, std::nullopt, false}};
    EXPECT_THAT(outcomes(ask(rollback).id), ElementsAre("refused"));
    ask(upgrading());
    get_ready("alice-1");
    ask(rollback);
    EXPECT_EQ(guest("alice-1").want.version, digest_one);
    get_ready("alice-1");
    ask(rollback);
    EXPECT_EQ(guest("alice-1").want.version, digest_two);
}

TEST_F(UpgradesTest, under_way_are_rolled_back_to_what_was_good) {
    ask(upgrading());
    ask({Verb::rollback, {{"alice-2"}, std::nullopt, false}});
    EXPECT_EQ(guest("alice-2").want.version, digest_one);
}

TEST_F(UpgradesTest, that_are_cancelled_leave_the_others_as_they_are) {
    const auto id = ask(upgrading()).id;
    registry_->operations.cancel(root, id);
    EXPECT_THAT(wanted(), ElementsAre(digest_one, digest_one, digest_one));
    EXPECT_THAT(outcomes(id), ElementsAre("cancelled", "cancelled", "cancelled"));
}

TEST_F(UpgradesTest, keep_what_a_guest_could_go_back_to) {
    ask(upgrading());
    for (const auto* name : {"alice-1", "alice-2", "alice-3"}) get_ready(name);
    EXPECT_EQ(error_of([&] { registry_->images.begin_removal(root, "tiny", digest_one); }).kind(), ErrorKind::refused);
}

TEST_F(UpgradesTest, remember_their_canaries) {
    auto change = upgrading();
    change.canaries = {"alice-2"};
    change.settle = std::chrono::seconds(30);
    const auto id = ask(change).id;
    auto canaries = registry_->operations.canaries(id).value();
    EXPECT_THAT(canaries.pending, ElementsAre(guest("alice-2").id));
    EXPECT_EQ(canaries.settle, std::chrono::seconds(30));
    pass(std::chrono::seconds(5));
    get_ready("alice-2");
    canaries = registry_->operations.canaries(id).value();
    EXPECT_THAT(canaries.pending, IsEmpty());
    EXPECT_EQ(canaries.last, time_);
    EXPECT_FALSE(registry_->operations.canaries(ask(upgrading()).id));
}

TEST_F(UpgradesTest, tell_of_a_canary_that_failed) {
    auto change = upgrading();
    change.canaries = {"alice-2"};
    const auto id = ask(change).id;
    go_back("alice-2");
    EXPECT_THAT(registry_->operations.canaries(id)->failed, HasSubstr("canary alice-2: not ready within 1m"));
}

TEST_F(UpgradesTest, leave_those_as_they_are_that_are_held) {
    auto change = upgrading();
    change.canaries = {"alice-2"};
    const auto id = registry_->guests
                        .change(root, change, std::nullopt, NetworkPlan({network_of(subnet_)}),
                                {{guest("alice-2").id, "hides /etc/motd"}})
                        .id;
    EXPECT_THAT(outcomes(id), ElementsAre("pending", "refused", "pending"));
    EXPECT_EQ(operation(id).items[1].reason, "hides /etc/motd");
    EXPECT_THAT(wanted(), ElementsAre(digest_two, digest_one, digest_two));
    EXPECT_EQ(registry_->operations.canaries(id)->failed, "canary alice-2: hides /etc/motd");
}

TEST_F(UpgradesTest, refuse_canaries_that_prove_nothing) {
    auto change = upgrading();
    for (const auto* name : {"alice-9", "bob-1", "alice-*"}) {
        change.canaries = {name};
        EXPECT_EQ(error_of([&] { ask(change); }).kind(), ErrorKind::usage) << name;
    }
    this->change(Verb::stop, {"alice-1"});
    change.canaries = {"alice-1"};
    EXPECT_EQ(error_of([&] { ask(change); }).kind(), ErrorKind::usage) << "it is to be off";
    EXPECT_EQ(guest("alice-2").want.version, digest_one);
}

}  // namespace
}  // namespace drover::test
