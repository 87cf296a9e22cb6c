#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EventsTest : public RegistryTest {
  protected:
    Names messages(long long id, int limit, const std::optional<std::string>& visible = std::nullopt) {
        Names result;
        for (const Event& event : registry_->events.since(id, limit, visible)) result.push_back(event.message);
        return result;
    }
};

TEST_F(EventsTest, come_in_order_from_where_the_reader_was) {
    const auto before = registry_->events.last();
    for (const std::string message : {"one", "two", "three"}) registry_->events.add("daemon", "", {}, message);
    EXPECT_THAT(messages(before, 10), ElementsAre("one", "two", "three"));
    EXPECT_THAT(messages(before + 1, 1), ElementsAre("two"));
    EXPECT_EQ(registry_->events.last(), before + 3);
    EXPECT_THAT(messages(before + 3, 10), IsEmpty());
}

TEST_F(EventsTest, of_other_owners_do_not_exist_for_an_owner) {
    add_owner("alice");
    add_owner("bob");
    request(asking("alice", 1));
    request(asking("bob", 1));
    const auto last = registry_->events.last();
    registry_->events.add("health", "alice-1", {}, "alice's");
    registry_->events.add("health", "bob-1", {}, "bob's");
    registry_->events.add("daemon", "", {}, "nobody's");
    EXPECT_THAT(messages(last, 10, "alice"), ElementsAre("alice's"));
    EXPECT_THAT(messages(last, 10), ElementsAre("alice's", "bob's", "nobody's"));
}

TEST_F(EventsTest, tell_the_watcher_after_the_commit_and_outside_of_the_lock) {
    Names seen;
    registry_->events.watch([&] { seen.push_back(messages(registry_->events.last() - 1, 10).at(0)); });
    registry_->events.add("daemon", "", {}, "one");
    registry_->set_note("quiet", "no event");
    add_owner("alice", 1);
    EXPECT_THAT(seen, ElementsAre("one", "owner 'alice' created: quota 1, login none, 0 keys"));
}

TEST_F(EventsTest, that_were_rolled_back_do_not_tell_the_watcher) {
    add_owner("alice", 1);
    int calls = 0;
    registry_->events.watch([&] { ++calls; });
    EXPECT_EQ(error_of([&] { request(asking("alice", 2)); }).kind(), ErrorKind::refused);
    EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace drover::test
