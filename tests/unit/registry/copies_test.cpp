#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto week = std::chrono::hours(24 * 7);
const std::string digest_two = "sha256:" + std::string(64, '2');

/// Two guests of alice's that are ready, in a registry that keeps retired ones for a week.
class CopiesTest : public RegistryTest {
  protected:
    CopiesTest() {
        rules_.retire_keep = week;
        rules_.snapshots = 2;
        open();
        add_owner("alice", 2);
        request(asking("alice", 2));
        for (const auto* name : {"alice-1", "alice-2"}) bring_home(name);
    }
    Operation ask(Change change) {
        if (change.selection.globs.empty()) change.selection.globs = {"alice-1"};
        return registry_->guests.change(root, change, std::nullopt, NetworkPlan({network_of(subnet_)}));
    }
    /// As its steps leave it: what was owed is made, and it is where it should be.
    void make_owed(const std::string& name) {
        const auto before = guest(name);
        auto after = before;
        after.have = before.want;
        after.copy = false;
        after.phase = before.desired == Desired::gone ? Phase::gone : Phase::ready;
        std::vector<MadeCopy> made;
        for (const Copy& copy : registry_->copies.owed(before.id)) made.push_back({copy.id, 4096});
        ASSERT_TRUE(registry_->guests.save(before, after, "phase", "made", made));
    }
    std::vector<std::string> names() {
        std::vector<std::string> result;
        for (const Copy& copy : registry_->copies.list({}, std::nullopt)) result.push_back(copy.name);
        return result;
    }
    std::string reason(const Operation& operation) { return registry_->operations.get(operation.id).items[0].reason; }
    std::string outcome(const Operation& operation) { return registry_->operations.get(operation.id).outcome; }
};

TEST_F(CopiesTest, are_owed_until_they_are_made) {
    const auto operation = ask({.verb = Verb::snapshot, .copy = "mine"});
    EXPECT_TRUE(guest("alice-1").copy);
    EXPECT_EQ(registry_->copies.owed(guest("alice-1").id).front().name, "mine");
    EXPECT_EQ(registry_->copies.get(registry_->copies.owed(guest("alice-1").id).front().id), std::nullopt);
    make_owed("alice-1");
    EXPECT_EQ(outcome(operation), "done");
    const auto copies = registry_->copies.list({"alice-*"}, "alice");
    ASSERT_EQ(copies.size(), 1U);
    EXPECT_EQ(copies[0].bytes, 4096);
    EXPECT_EQ(copies[0].version, digest_one);
    EXPECT_THAT(registry_->copies.list({}, "bob"), IsEmpty());
}

TEST_F(CopiesTest, of_one_guest_are_not_too_many_and_have_names_of_their_own) {
    ask({.verb = Verb::snapshot, .copy = "mine"});
    EXPECT_THAT(reason(ask({.verb = Verb::snapshot, .copy = "mine"})), HasSubstr("'mine' already"));
    ask({.verb = Verb::snapshot});
    EXPECT_THAT(reason(ask({.verb = Verb::snapshot})), HasSubstr("2 snapshots"));
    ask({.verb = Verb::backup});
    EXPECT_EQ(registry_->copies.owed(guest("alice-1").id).back().file, "/backups/alice-1-backup-3.tar");
}

TEST_F(CopiesTest, that_were_cancelled_or_given_up_are_owed_no_more) {
    const auto operation = ask({.verb = Verb::snapshot});
    registry_->operations.cancel(root, operation.id);
    EXPECT_FALSE(guest("alice-1").copy);
    EXPECT_THAT(names(), IsEmpty());

    const auto failed = ask({.verb = Verb::snapshot});
    const auto before = guest("alice-1");
    auto after = before;
    after.copy = false;
    after.operation.reset();
    registry_->guests.save(before, after, "retry", "copy: no such folder");
    EXPECT_EQ(outcome(failed), "failed");
    EXPECT_EQ(reason(failed), "copy: no such folder");
    EXPECT_THAT(names(), IsEmpty());
}

TEST_F(CopiesTest, are_what_a_guest_goes_back_to) {
    EXPECT_THAT(reason(ask({.verb = Verb::restore})), HasSubstr("no copy"));
    ask({.verb = Verb::snapshot, .copy = "one"});
    EXPECT_THAT(reason(ask({.verb = Verb::restore})), HasSubstr("not made yet"));
    make_owed("alice-1");
    ask({.verb = Verb::snapshot, .copy = "two"});
    make_owed("alice-1");
    ask({.verb = Verb::restore});
    const auto wanted = guest("alice-1");
    EXPECT_EQ(wanted.want.overlay, wanted.have.overlay + 1);
    EXPECT_EQ(registry_->copies.get(wanted.source)->name, "two");
    EXPECT_EQ(error_of([&] { registry_->copies.begin_removal(root, "alice-1", "two", std::nullopt); }).kind(),
              ErrorKind::refused);
    ask({.verb = Verb::restore, .copy = "one"});
    EXPECT_EQ(registry_->copies.get(guest("alice-1").source)->name, "one");
    ask({.verb = Verb::rebuild});
    EXPECT_EQ(guest("alice-1").source, 0);
}

TEST_F(CopiesTest, made_before_an_upgrade_take_the_data_back_too) {
    registry_->images.add("tiny", digest_two);
    registry_->images.promote(root, "tiny", digest_two);
    const auto first = guest("alice-1").have.version;
    auto before = guest("alice-1");
    auto ready = before;
    ready.good = first;
    registry_->guests.save(before, ready);
    ask({.verb = Verb::upgrade, .with_snapshot = true});
    before = guest("alice-1");
    make_owed("alice-1");
    before = guest("alice-1");
    ready = before;
    ready.previous = first;
    ready.good = digest_two;
    registry_->guests.save(before, ready);
    ask({.verb = Verb::rollback, .with_snapshot = true});
    EXPECT_EQ(guest("alice-1").want.version, first);
    EXPECT_EQ(registry_->copies.get(guest("alice-1").source)->version, first);
}

TEST_F(CopiesTest, of_retired_guests_bring_them_back) {
    const auto address = guest("alice-1").address;
    const auto id = guest("alice-1").id;
    ask({.verb = Verb::retire});
    make_owed("alice-1");
    EXPECT_EQ(guest("alice-1").phase, Phase::gone);
    ask({.verb = Verb::recover});
    const auto back = guest("alice-1");
    EXPECT_EQ(back.id, id);
    EXPECT_EQ(back.phase, Phase::reserved);
    EXPECT_EQ(back.desired, Desired::ready);
    EXPECT_EQ(back.address, address);
    EXPECT_NE(back.source, 0);
    EXPECT_EQ(error_of([&] { ask({.verb = Verb::recover}); }).kind(), ErrorKind::not_found);
}

TEST_F(CopiesTest, bring_a_guest_back_where_there_is_room_for_it) {
    ask({.verb = Verb::retire});
    const auto address = guest("alice-1").address;
    make_owed("alice-1");
    pass(2 * quarantine);
    add_owner("bob", 300);
    request(asking("bob", 252));  // all other addresses, and this one
    EXPECT_THAT(error_of([&] { ask({.verb = Verb::recover}); }).what(), HasSubstr("no free address"));
    change(Verb::retire, {"bob-7"});
    bring_home("bob-7");
    pass(2 * quarantine);
    ask({.verb = Verb::recover});
    EXPECT_NE(guest("alice-1").address, address);

    ask({.verb = Verb::retire});
    make_owed("alice-1");
    registry_->owners.set({"alice", 1, std::nullopt, std::nullopt}, 0);
    EXPECT_THAT(error_of([&] { ask({.verb = Verb::recover}); }).what(), HasSubstr("1 of 1"));
}

TEST_F(CopiesTest, expire_when_their_time_has_certainly_passed) {
    ask({.verb = Verb::retire});
    make_owed("alice-1");
    time_ += 10 * week;  // somebody sets the clock
    EXPECT_THAT(registry_->copies.begin_expiry(), IsEmpty());
    pass(week);
    const auto expired = registry_->copies.begin_expiry();
    ASSERT_EQ(expired.size(), 1U);
    EXPECT_EQ(error_of([&] { ask({.verb = Verb::recover}); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(registry_->copies.begin_expiry().size(), 1U) << "until its files are gone";
    registry_->copies.end_removal(expired[0].id);
    EXPECT_THAT(registry_->copies.begin_expiry(), IsEmpty());
}

TEST_F(CopiesTest, are_not_kept_of_what_is_purged_or_was_never_built) {
    ask({.verb = Verb::retire, .purge = true});
    EXPECT_THAT(names(), IsEmpty());
    registry_->owners.set({"alice", 9, std::nullopt, std::nullopt}, 0);
    request(more("alice", 1));
    ask({.verb = Verb::retire, .selection = {{"alice-3"}, std::nullopt, false}});
    EXPECT_THAT(names(), IsEmpty());
}

// ---- leases

class LeasesTest : public CopiesTest {
  protected:
    void lend(Duration time) {
        Setting setting{.selection = {{"alice-1"}, std::nullopt, false}};
        setting.lease = time_ + time;
        registry_->guests.set(root, setting, std::nullopt);
    }
    std::vector<Leases::Step> steps() {
        std::vector<Leases::Step> result;
        for (const auto& due : registry_->leases.due(week)) {
            result.push_back(due.step);
            registry_->leases.note(due, "noted");
        }
        return result;
    }
    void stop() {
        change(Verb::stop, {"alice-1"});
        bring_home("alice-1");
    }
};

TEST_F(LeasesTest, are_told_of_before_and_ended_step_by_step) {
    using enum Leases::Step;
    lend(40 * std::chrono::hours(24));
    EXPECT_THAT(steps(), IsEmpty());
    pass(std::chrono::hours(24 * 11));
    EXPECT_THAT(steps(), ElementsAre(month_left));
    EXPECT_THAT(steps(), IsEmpty());
    pass(std::chrono::hours(24 * 28 + 12));
    EXPECT_THAT(steps(), ElementsAre(day_left)) << "who slept through a week is told once";
    pass(std::chrono::hours(24));
    EXPECT_THAT(steps(), ElementsAre(Leases::Step::stop));
    EXPECT_THAT(steps(), IsEmpty()) << "it is not off yet";
    LeasesTest::stop();
    time_ += 9 * week;  // somebody sets the clock
    EXPECT_THAT(steps(), IsEmpty());
    pass(week);
    EXPECT_THAT(steps(), ElementsAre(back_up));
    EXPECT_THAT(steps(), ElementsAre(retire));
    EXPECT_THAT(steps(), IsEmpty());
}

TEST_F(LeasesTest, that_ended_let_nobody_start_the_guest) {
    lend(std::chrono::seconds(1));
    pass(std::chrono::seconds(2));
    LeasesTest::stop();
    EXPECT_THAT(reason(ask({.verb = Verb::start})), HasSubstr("was lent until"));
    lend(week);
    EXPECT_EQ(reason(ask({.verb = Verb::start})), "");
}

TEST_F(LeasesTest, retire_nobody_who_is_protected) {
    Setting setting{.is_protected = true, .selection = {{"alice-1"}, std::nullopt, false}};
    registry_->guests.set(root, setting, std::nullopt);
    lend(std::chrono::seconds(1));
    pass(std::chrono::seconds(2));
    EXPECT_THAT(steps(), ElementsAre(Leases::Step::stop));
    LeasesTest::stop();
    pass(2 * week);
    EXPECT_THAT(steps(), IsEmpty());
    EXPECT_FALSE(registry_->leases.pending());
}

}  // namespace
}  // namespace drover::test
