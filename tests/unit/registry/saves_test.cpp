#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::SizeIs;

class Saves : public RegistryTest {
  protected:
    Saves() {
        add_owner("alice");
        asked_ = request(asking("alice", 2)).operation;
    }
    OperationId asked_ = 0;
};

TEST_F(Saves, keep_every_field_that_a_step_changes) {
    const auto before = guest("alice-1");
    auto after = before;
    after.phase = Phase::starting;
    after.desired = Desired::parked;
    after.want = {"sha256:w", 5, 6};
    after.have = {"sha256:h", 7, 8};
    after.good = "sha256:g";
    after.copy = true;
    after.since = time_ + std::chrono::seconds(3);
    after.attempts = 2;
    after.fault = Fault{"start", "it's \"broken\"; really", time_};
    after.started_by = "fork";
    after.host_key = "ssh-ed25519 AAAA";
    ASSERT_TRUE(registry_->guests.save(before, after));
    open();
    const auto read = guest("alice-1");
    EXPECT_EQ(read.phase, after.phase);
    EXPECT_EQ(read.desired, after.desired);
    EXPECT_EQ(read.want, after.want);
    EXPECT_EQ(read.have, after.have);
    EXPECT_EQ(read.good, after.good);
    EXPECT_TRUE(read.copy);
    EXPECT_EQ(read.since, after.since);
    EXPECT_EQ(read.attempts, 2);
    EXPECT_EQ(read.fault, after.fault);
    EXPECT_EQ(read.started_by, "fork");
    EXPECT_EQ(read.host_key, "ssh-ed25519 AAAA");
    EXPECT_EQ(read.rev, before.rev + 1);
    EXPECT_EQ(registry_->guests.get(before.id)->rev, read.rev);
}

TEST_F(Saves, lose_against_an_earlier_write) {
    const auto before = guest("alice-1");
    change(Verb::retire, {"alice-1"});
    auto after = before;
    after.phase = Phase::ready;
    EXPECT_FALSE(registry_->guests.save(before, after, "phase", "ready"));
    EXPECT_EQ(guest("alice-1").phase, Phase::reserved);
    for (const Event& event : registry_->events.since(0, 100, std::nullopt)) EXPECT_NE(event.message, "ready");
}

TEST_F(Saves, end_the_item_of_a_guest_that_got_there) {
    const auto before = guest("alice-1");
    auto after = before;
    after.phase = Phase::starting;
    ASSERT_TRUE(registry_->guests.save(before, after));
    EXPECT_EQ(operation(asked_).done, 0);
    bring_home("alice-1");
    EXPECT_EQ(operation(asked_).done, 1);
    EXPECT_EQ(operation(asked_).items[0].outcome, "done");
    EXPECT_FALSE(operation(asked_).finished);
    time_ += std::chrono::seconds(1);
    bring_home("alice-2");
    EXPECT_EQ(operation(asked_).outcome, "done");
    EXPECT_EQ(operation(asked_).finished, time_);
    bring_home("alice-2");
    EXPECT_EQ(operation(asked_).done, 2) << "an item ends once";
}

TEST_F(Saves, fail_the_item_of_a_guest_that_is_given_up) {
    break_guest("alice-1", "no memory");
    EXPECT_EQ(operation(asked_).items[0].outcome, "failed");
    EXPECT_EQ(operation(asked_).items[0].reason, "no memory");
    bring_home("alice-2");
    EXPECT_EQ(operation(asked_).outcome, "partial");
}

TEST_F(Saves, of_faults_only_make_a_failed_operation) {
    break_guest("alice-1", "no memory");
    break_guest("alice-2", "no memory");
    EXPECT_EQ(operation(asked_).outcome, "failed");
}

TEST_F(Saves, log_what_happened) {
    const auto before = guest("alice-1");
    auto after = before;
    after.phase = Phase::stopped;
    const auto last = registry_->events.last();
    ASSERT_TRUE(registry_->guests.save(before, after, "phase", "built"));
    const auto events = registry_->events.since(last, 10, std::nullopt);
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].kind, "phase");
    EXPECT_EQ(events[0].guest, "alice-1");
    EXPECT_EQ(events[0].operation, asked_);
    EXPECT_EQ(events[0].message, "built");
    EXPECT_EQ(events[0].time, time_);
}

TEST_F(Saves, of_a_guest_that_is_gone_leave_a_tombstone) {
    const auto before = guest("alice-1");
    auto keyed = before;
    keyed.host_key = "ssh-ed25519 AAAA";
    ASSERT_TRUE(registry_->guests.save(before, keyed));
    change(Verb::retire, {"alice-1"});
    bring_home("alice-1");
    EXPECT_EQ(guest("alice-1").phase, Phase::gone);
    EXPECT_EQ(guest("alice-1").host_key, "");
    EXPECT_EQ(names({}), Names{"alice-2"});
    EXPECT_EQ(names({.selection = {}, .gone = true, .where = {}}), (Names{"alice-1", "alice-2"}));
    EXPECT_THAT(registry_->guests.ids(), SizeIs(1));
}

}  // namespace
}  // namespace drover::test
