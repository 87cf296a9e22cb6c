#include <fmt/format.h>
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

/// Who is told of what.
class HappeningsTest : public EventsTest {
  protected:
    void move(const std::string& name, Phase phase) {
        const auto before = guest(name);
        auto after = before;
        after.phase = phase;
        ASSERT_TRUE(registry_->guests.save(before, after, "phase", fmt::format("{} {}", name, to_text(phase))));
    }
    Names happened(Happening happening, long long id = 0, int limit = 100) {
        Names result;
        for (const Event& event : registry_->events.happened(happening, id, limit).events)
            result.push_back(event.message);
        return result;
    }
};

TEST_F(HappeningsTest, are_what_guests_became_and_waves_that_ended) {
    add_owner("alice");
    request(asking("alice", 1));
    request(more("alice", 2));
    for (const auto* name : {"alice-1", "alice-2", "alice-3"}) move(name, Phase::stopped);  // built
    move("alice-1", Phase::ready);
    move("alice-1", Phase::stopped);
    move("alice-1", Phase::gone);
    for (const auto* name : {"alice-2", "alice-3"}) bring_home(name);
    const auto before = guest("alice-2");
    auto after = before;
    after.fault = Fault{"start", "no memory", time_};
    ASSERT_TRUE(registry_->guests.save(before, after, "fault", "no memory"));

    EXPECT_THAT(happened(Happening::ready), ElementsAre("alice-1 ready"));
    EXPECT_THAT(happened(Happening::stopped), ElementsAre("alice-1 stopped")) << "who was built did not stop";
    EXPECT_THAT(happened(Happening::gone), ElementsAre("alice-1 gone"));
    EXPECT_THAT(happened(Happening::fault), ElementsAre("no memory"));
    EXPECT_THAT(happened(Happening::wave_done), ElementsAre("request: done")) << "of more than one guest";
}

TEST_F(HappeningsTest, come_in_batches_that_say_how_far_they_go) {
    add_owner("alice");
    request(asking("alice", 3));
    for (const auto* name : {"alice-1", "alice-2", "alice-3"}) move(name, Phase::ready);
    registry_->events.add("daemon", "", {}, "more");
    const auto first = registry_->events.happened(Happening::ready, 0, 2);
    EXPECT_EQ(first.events.size(), 2U);
    EXPECT_EQ(first.up_to, first.events.back().id);
    EXPECT_THAT(happened(Happening::ready, first.up_to), ElementsAre("alice-3 ready"));
    EXPECT_EQ(registry_->events.happened(Happening::ready, first.up_to, 2).up_to, registry_->events.last());
}

TEST_F(EventsTest, notes_are_found_by_their_beginning_and_dropped) {
    for (const auto* key : {"hook/a", "hook/b", "hooks"}) registry_->set_note(key, "1");
    EXPECT_THAT(registry_->note_keys("hook/"), ::testing::UnorderedElementsAre("hook/a", "hook/b"));
    registry_->drop_note("hook/a");
    EXPECT_THAT(registry_->note_keys("hook/"), ElementsAre("hook/b"));
    EXPECT_EQ(registry_->note("hook/a"), std::nullopt);
}

}  // namespace
}  // namespace drover::test
