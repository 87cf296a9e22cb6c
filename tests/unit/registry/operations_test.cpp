#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

class OperationsTest : public RegistryTest {
  protected:
    Operations& operations() { return registry_->operations; }
};

TEST_F(OperationsTest, without_guests_run_until_they_are_finished) {
    const auto id = operations().begin(root, "image-build", R"({"image":"tiny"})");
    auto begun = operation(id);
    EXPECT_EQ(begun.outcome, "running");
    EXPECT_EQ(begun.created, time_);
    EXPECT_FALSE(begun.finished);
    ASSERT_THAT(operations().unfinished_without_items(), SizeIs(1));
    EXPECT_EQ(operations().unfinished_without_items()[0].id, id);

    time_ += std::chrono::seconds(5);
    operations().finish(id, "failed", "no kernel");
    const auto ended = operation(id);
    EXPECT_EQ(ended.outcome, "failed");
    EXPECT_EQ(ended.message, "no kernel");
    EXPECT_EQ(ended.finished, time_);
    EXPECT_EQ(ended.arguments, R"({"image":"tiny"})");
    EXPECT_THAT(operations().unfinished_without_items(), IsEmpty());
}

TEST_F(OperationsTest, are_finished_once) {
    const auto id = operations().begin(root, "image-build", "{}");
    operations().finish(id, "done", "");
    operations().finish(id, "failed", "too late");
    EXPECT_EQ(operation(id).outcome, "done");
}

TEST_F(OperationsTest, that_nobody_began_are_not_found) {
    const auto error = error_of([&] { operations().get(12); });
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_STREQ(error.what(), "no operation 'o-12'");
    EXPECT_EQ(error_of([&] { operations().finish(12, "done", ""); }).kind(), ErrorKind::not_found);
}

TEST_F(OperationsTest, exist_for_who_asked_for_them_also_through_a_gateway) {
    add_owner("alice");
    const Caller al{"al"};
    const Caller through{"al", false, "web"};
    const auto ask = [&](const Caller& caller) {
        return registry_->guests.request(caller, more("alice", 1), defaults()).operation;
    };
    const auto direct = ask(al);
    const auto indirect = ask(through);
    const auto others = {ask(root), ask({"a"}), ask({"al2"}), ask({"web"})};
    EXPECT_EQ(operation(direct).who, "al");
    EXPECT_EQ(operation(indirect).who, "al (through web)");
    for (const Caller& caller : {al, through}) {
        const auto own = operations().list_of(2, caller, "alice");
        ASSERT_THAT(own, SizeIs(2)) << "others' do not count";
        EXPECT_EQ(own[0].id, indirect);
        EXPECT_EQ(own[1].id, direct);
        EXPECT_THAT(operations().list_of(1, caller, "alice"), SizeIs(1));
        EXPECT_THAT(operations().list_of(2, caller, "bob"), IsEmpty()) << "as another owner";
        EXPECT_THAT(operations().summary_of(direct, caller, "alice").total, 1);
        for (const auto id : others) {
            EXPECT_EQ(error_of([&] { operations().summary_of(id, caller, "alice"); }).kind(), ErrorKind::not_found);
        }
    }
}

TEST_F(OperationsTest, are_listed_newest_first) {
    add_owner("alice");
    request(asking("alice", 2));
    operations().begin(root, "image-build", "{}");
    const auto both = operations().list(10);
    ASSERT_THAT(both, SizeIs(2));
    EXPECT_EQ(both[0].verb, "image-build");
    EXPECT_EQ(both[1].verb, "request");
    EXPECT_THAT(both[1].items, IsEmpty());
    EXPECT_THAT(operations().list(1), SizeIs(1));
    EXPECT_THAT(operations().unfinished_without_items(), SizeIs(1)) << "the request has items";
}

TEST_F(OperationsTest, tell_the_log_when_they_end) {
    add_owner("alice");
    const auto id = request(asking("alice", 1)).operation;
    const auto last = registry_->events.last();
    bring_home("alice-1");
    const auto events = registry_->events.since(last, 10, "alice");
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].operation, id);
    EXPECT_EQ(events[0].message, "request: done");
}

}  // namespace
}  // namespace drover::test
