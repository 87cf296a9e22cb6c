#include <gmock/gmock.h>

#include "fixture.hpp"
#include "registry/session.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Changes : public RegistryTest {
  protected:
    Changes() {
        add_owner("alice");
        add_owner("bob");
        request(asking("alice", 2));
        request(asking("bob", 1));
    }
    void bring_all_home() {
        for (const auto& name : names({})) bring_home(name);
    }
    Operation change_as(const std::string& owner, Verb verb, const Selection& selection) {
        return registry_->guests.change({"login-of-" + owner, false}, {verb, selection}, owner);
    }
    /// A pool's guest: no verb makes one yet, so the row is made what a pool would make of it.
    void disown(const std::string& name) {
        Session session(folder_ / "registry.db");
        session.transact("commit.test", [&](Transaction& t) {
            t.sql << "UPDATE guests SET owner = NULL WHERE name = '" + name + "'";
        });
    }
    std::string outcome(const Operation& operation, std::size_t item = 0) { return operation.items.at(item).outcome; }
};

TEST_F(Changes, write_what_each_verb_wants) {
    bring_all_home();
    change(Verb::stop, {"alice-1"});
    EXPECT_EQ(guest("alice-1").desired, Desired::stopped);
    bring_home("alice-1");
    change(Verb::restart, {"alice-1"});
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
    EXPECT_EQ(guest("alice-1").want.boot, 2);
    change(Verb::stop, {"alice-1"});
    change(Verb::rebuild, {"alice-1"});
    EXPECT_EQ(guest("alice-1").want.overlay, 2);
    EXPECT_EQ(guest("alice-1").desired, Desired::stopped) << "rebuild keeps desired";
    change(Verb::start, {"alice-1"});
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
    change(Verb::retire, {"alice-1"});
    EXPECT_EQ(guest("alice-1").desired, Desired::gone);
    EXPECT_EQ(guest("alice-2").desired, Desired::ready);
}

TEST_F(Changes, count_a_rebuild_of_a_guest_that_was_never_built) {
    change(Verb::rebuild, {"alice-1"});
    EXPECT_EQ(guest("alice-1").want.overlay, 2);
}

TEST_F(Changes, are_operations_with_an_item_per_guest) {
    bring_all_home();
    const auto made = change(Verb::stop, {"alice-*"});
    EXPECT_EQ(made.verb, "stop");
    EXPECT_EQ(made.arguments, R"({"globs":["alice-*"]})");
    EXPECT_EQ(made.outcome, "running");
    EXPECT_EQ(made.total, 2);
    EXPECT_EQ(made.done, 0);
    ASSERT_THAT(made.items, SizeIs(2));
    EXPECT_EQ(made.items[0].name, "alice-1");
    EXPECT_EQ(made.items[0].outcome, "pending");
    EXPECT_EQ(made.items[0].phase, Phase::ready);
    EXPECT_EQ(guest("alice-1").operation, made.id);
    bring_home("alice-1");
    bring_home("alice-2");
    EXPECT_EQ(operation(made.id).outcome, "done");
    EXPECT_EQ(operation(made.id).items[0].phase, Phase::stopped);
}

TEST_F(Changes, leave_a_guest_alone_that_is_there_already) {
    bring_all_home();
    const auto before = guest("alice-1");
    const auto started = change(Verb::start, {"alice-1"});
    EXPECT_EQ(outcome(started), "unchanged");
    EXPECT_EQ(started.outcome, "done");
    EXPECT_EQ(guest("alice-1").rev, before.rev);
    change(Verb::stop, {"alice-1"});
    EXPECT_EQ(outcome(change(Verb::stop, {"alice-1"})), "pending") << "it has not stopped yet";
    bring_home("alice-1");
    EXPECT_EQ(outcome(change(Verb::stop, {"alice-1"})), "unchanged");
    const auto retired = change(Verb::retire, {"alice-1"});
    EXPECT_EQ(outcome(change(Verb::retire, {"alice-1"})), "unchanged");
    EXPECT_EQ(operation(retired.id).outcome, "running") << "the first one goes on";
}

TEST_F(Changes, start_a_ready_guest_that_is_stale) {
    bring_all_home();
    auto before = guest("alice-1"), after = before;
    after.want.version = "sha256:new";
    ASSERT_TRUE(registry_->guests.save(before, after));
    EXPECT_EQ(outcome(change(Verb::start, {"alice-1"})), "pending");
}

TEST_F(Changes, clear_a_fault_and_try_anew) {
    break_guest("alice-1", "no memory");
    auto before = guest("alice-1"), after = before;
    after.attempts = 3;
    ASSERT_TRUE(registry_->guests.save(before, after));
    EXPECT_EQ(outcome(change(Verb::start, {"alice-1"})), "pending");
    EXPECT_FALSE(guest("alice-1").fault);
    EXPECT_EQ(guest("alice-1").attempts, 0);

    change(Verb::retire, {"alice-2"});
    break_guest("alice-2", "no disk");
    EXPECT_EQ(outcome(change(Verb::retire, {"alice-2"})), "pending");
    EXPECT_FALSE(guest("alice-2").fault);
}

TEST_F(Changes, that_leave_nothing_to_do_end_at_once) {
    bring_all_home();
    break_guest("alice-1", "health");
    const auto started = change(Verb::start, {"alice-1"});
    EXPECT_EQ(outcome(started), "done");
    EXPECT_EQ(started.outcome, "done");
    EXPECT_FALSE(guest("alice-1").fault);
}

TEST_F(Changes, supersede_earlier_ones) {
    bring_all_home();
    const auto stop = change(Verb::stop, {"alice-*"});
    const auto restart = change(Verb::restart, {"alice-1"});
    EXPECT_EQ(outcome(operation(stop.id)), "superseded");
    EXPECT_EQ(operation(stop.id).outcome, "running");
    EXPECT_EQ(operation(stop.id).done, 1);
    bring_home("alice-2");
    EXPECT_EQ(operation(stop.id).outcome, "partial");
    EXPECT_EQ(operation(restart.id).outcome, "running");
    change(Verb::retire, {"alice-1"});
    EXPECT_EQ(operation(restart.id).outcome, "failed") << "none of its items got where it should";
    EXPECT_TRUE(operation(restart.id).finished);
}

TEST_F(Changes, are_refused_for_a_guest_being_retired) {
    change(Verb::retire, {"alice-1"});
    const auto started = change(Verb::start, {"alice-*"});
    EXPECT_EQ(outcome(started, 0), "refused");
    EXPECT_EQ(started.items[0].reason, "is being retired");
    EXPECT_EQ(outcome(started, 1), "pending");
    EXPECT_EQ(guest("alice-1").desired, Desired::gone);
    bring_home("alice-2");
    EXPECT_EQ(operation(started.id).outcome, "partial");
}

TEST_F(Changes, with_a_glob_that_matches_nothing_change_nothing) {
    const auto error = error_of([&] { change(Verb::retire, {"alice-*", "carol-*"}); });
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_THAT(error.what(), HasSubstr("'carol-*'"));
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
    EXPECT_THAT(registry_->operations.list(10), SizeIs(2)) << "only the two requests";
}

TEST_F(Changes, take_a_guest_once_that_two_globs_name) {
    EXPECT_THAT(change(Verb::stop, {"alice-1", "a*"}).items, SizeIs(2));
}

TEST_F(Changes, do_not_see_guests_that_are_gone) {
    change(Verb::retire, {"alice-1"});
    bring_home("alice-1");
    EXPECT_EQ(error_of([&] { change(Verb::start, {"alice-1"}); }).kind(), ErrorKind::not_found);
}

TEST_F(Changes, of_an_owner_or_of_all) {
    bring_all_home();
    const auto of_alice = registry_->guests.change(root, {Verb::stop, {{}, "alice", false}}, std::nullopt);
    EXPECT_THAT(of_alice.items, SizeIs(2));
    EXPECT_EQ(of_alice.arguments, R"({"owner":"alice"})");
    EXPECT_THAT(registry_->guests.change(root, {Verb::stop, {{}, {}, true}}, std::nullopt).items, SizeIs(3));
    add_owner("carol");
    for (const std::string owner : {"carol", "dave"}) {
        const auto error = error_of([&] {
            registry_->guests.change(root, {Verb::stop, {{}, owner, false}}, std::nullopt);
        });
        EXPECT_EQ(error.kind(), ErrorKind::not_found);
        EXPECT_THAT(error.what(), HasSubstr("'" + owner + "'"));
    }
}

TEST_F(Changes, take_exactly_one_kind_of_selection) {
    for (const Selection& selection : {Selection{}, Selection{{"a"}, "alice", false}, Selection{{"a"}, {}, true}}) {
        EXPECT_EQ(error_of([&] {
                      registry_->guests.change(root, {Verb::stop, selection}, std::nullopt);
                  }).kind(),
                  ErrorKind::usage);
    }
}

TEST_F(Changes, of_all_without_any_guests_are_done) {
    change(Verb::retire, {"*"});
    for (const auto& name : names({})) bring_home(name);
    const auto nothing = registry_->guests.change(root, {Verb::start, {{}, {}, true}}, std::nullopt);
    EXPECT_EQ(nothing.outcome, "done");
    EXPECT_THAT(nothing.items, IsEmpty());
}

TEST_F(Changes, of_an_owner_see_nobody_elses_guests) {
    EXPECT_THAT(change_as("alice", Verb::stop, {{}, {}, true}).items, SizeIs(2));
    EXPECT_EQ(error_of([&] { change_as("alice", Verb::stop, {{"bob-1"}, {}, false}); }).kind(), ErrorKind::not_found);
    const auto foreign = error_of([&] { change_as("alice", Verb::stop, {{}, "bob", false}); });
    const auto unknown = error_of([&] { change_as("alice", Verb::stop, {{}, "eve", false}); });
    EXPECT_STREQ(foreign.what(), "no owner 'bob'");
    EXPECT_STREQ(unknown.what(), "no owner 'eve'");
    EXPECT_EQ(guest("bob-1").desired, Desired::ready);
}

TEST_F(Changes, of_a_pools_guest_are_for_administrators_and_only_to_retire_it) {
    disown("bob-1");
    EXPECT_EQ(outcome(change(Verb::stop, {"bob-1"})), "refused");
    EXPECT_EQ(error_of([&] { change_as("bob", Verb::retire, {{"bob-1"}, {}, false}); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(outcome(change(Verb::retire, {"bob-1"})), "pending");
}

}  // namespace
}  // namespace drover::test
