#include <gmock/gmock.h>

#include "fixture.hpp"

/// Taking out of pools, in the registry alone.
namespace drover::test {
namespace {

using ::testing::ElementsAre;

class PoolsTest : public RegistryTest {
  protected:
    const PoolKey key{"tiny", "plain", Kind::vm};

    PoolsTest() { add_owner("alice"); }

    Reservation sized(const std::string& size = "small") const {
        auto result = defaults();
        result.size = size;
        return result;
    }
    /// Members that are where they should be.
    Names make(const Pool& pool, Desired desired, long long count, const std::string& size = "small") {
        Names names;
        for (const GuestId id : registry_->pools.make(pool, sized(size), desired, count)) {
            names.push_back(registry_->guests.get(id)->name);
            bring_home(names.back());
        }
        return names;
    }
    Names take(long long count) { return registry_->guests.request(root, more("alice", count), sized()).created; }
};

TEST_F(PoolsTest, AreSetChangedListedAndDrained) {
    EXPECT_EQ(error_of([&] { registry_->pools.set(root, key, {}); }).kind(), ErrorKind::usage);
    EXPECT_EQ(error_of([&] { registry_->pools.drain(root, key); }).kind(), ErrorKind::not_found);
    const std::vector schedule{parse_schedule_entry("Mon 8:00 60"), parse_schedule_entry("daily 20:00 0")};
    registry_->pools.set(root, key, {.parked = 3, .schedule = schedule, .demand = 95});
    const Pool pool = registry_->pools.set(root, key, {.stopped = 2});
    EXPECT_EQ(pool.targets, (PoolTargets{.stopped = 2, .parked = 3, .schedule = schedule, .demand = 95}));
    EXPECT_EQ(registry_->pools.list().front().targets, pool.targets);
    EXPECT_EQ(registry_->pools.set(root, key, {.schedule = std::vector<ScheduleEntry>{}, .demand = 0}).targets,
              (PoolTargets{.stopped = 2, .parked = 3}));
    registry_->pools.drain(root, key);
    EXPECT_TRUE(registry_->pools.list().front().draining);
    EXPECT_FALSE(registry_->pools.set(root, key, {.parked = 1}).draining) << "somebody changed their mind";
    EXPECT_FALSE(registry_->pools.end_drain(pool));
    registry_->pools.drain(root, key);
    EXPECT_TRUE(registry_->pools.end_drain(pool));
    EXPECT_TRUE(registry_->pools.list().empty());
}

TEST_F(PoolsTest, GiveParkedMembersFirstAndTheOldest) {
    const Pool pool = registry_->pools.set(root, key, {.parked = 3});
    make(pool, Desired::stopped, 1);
    const Names parked = make(pool, Desired::parked, 2);
    EXPECT_EQ(take(4), (Names{"alice-1", "alice-2", "alice-3", "alice-4"}));
    EXPECT_EQ(guest("alice-1").phase, Phase::parked);
    EXPECT_EQ(guest("alice-2").phase, Phase::parked);
    EXPECT_EQ(guest("alice-3").phase, Phase::stopped);
    EXPECT_EQ(guest("alice-4").phase, Phase::reserved);
    EXPECT_LT(guest("alice-1").id, guest("alice-2").id);
    for (const auto& name : {"alice-1", "alice-2", "alice-3", "alice-4"})
        EXPECT_EQ(guest(name).desired, Desired::ready);
    EXPECT_EQ(registry_->pools.list().front().taken, 3);
    EXPECT_EQ(registry_->guests.named(parked.front()), std::nullopt) << "it has another name";
    EXPECT_TRUE(registry_->pools.members().empty());
}

TEST_F(PoolsTest, GiveNothingThatIsNotAsItShouldBe) {
    const Pool pool = registry_->pools.set(root, key, {.parked = 9});
    make(pool, Desired::parked, 1, "large");
    registry_->pools.make(pool, sized(), Desired::parked, 1);  // not made yet
    const Names failed = make(pool, Desired::parked, 2);
    auto before = guest(failed.front()), after = before;
    after.attempts = 1;
    ASSERT_TRUE(registry_->guests.save(before, after));
    break_guest(failed.back(), "broken");
    const Names leaving = make(pool, Desired::parked, 1);
    ASSERT_TRUE(registry_->pools.drop({guest(leaving.front()), "small"}, "outdated", false));
    take(1);
    EXPECT_EQ(guest("alice-1").phase, Phase::reserved) << "it is new";
    registry_->images.add("tiny", "sha256:" + std::string(64, '2'));
    make(pool, Desired::parked, 1);
    version_ = "sha256:" + std::string(64, '2');
    take(1);
    EXPECT_EQ(guest("alice-2").phase, Phase::reserved) << "that one is of another version";
}

TEST_F(PoolsTest, DoNotCountForQuotasUntilTheyAreTaken) {
    add_owner("bob", 1);
    const Pool pool = registry_->pools.set(root, key, {.parked = 2});
    make(pool, Desired::parked, 2);
    EXPECT_EQ(registry_->guests.request(root, more("bob", 1), sized()).created, Names{"bob-1"});
    EXPECT_EQ(error_of([&] { registry_->guests.request(root, more("bob", 1), sized()); }).kind(), ErrorKind::refused);
    EXPECT_EQ(registry_->pools.members().size(), 1U) << "what is refused takes nothing";
}

TEST_F(PoolsTest, DropOnlyWhatNobodyHasTaken) {
    const Pool pool = registry_->pools.set(root, key, {.parked = 1});
    make(pool, Desired::parked, 1);
    const PoolMember member = registry_->pools.members().front();
    take(1);
    EXPECT_FALSE(registry_->pools.drop(member, "too many", false));
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
}

TEST_F(PoolsTest, CountFailuresUntilOneIsMade) {
    const Pool pool = registry_->pools.set(root, key, {.parked = 1});
    for (int i = 1; i <= 3; ++i) {
        registry_->pools.make(pool, sized(), Desired::parked, 1);
        ASSERT_TRUE(registry_->pools.drop(registry_->pools.members().back(), "no kernel", true));
        EXPECT_EQ(registry_->pools.list().front().failures, i);
    }
    EXPECT_EQ(registry_->pools.list().front().reason, "no kernel");
    make(pool, Desired::parked, 1);
    EXPECT_EQ(registry_->pools.list().front().failures, 0);
    EXPECT_EQ(registry_->pools.list().front().made, 1);
}

TEST_F(PoolsTest, RememberWhatWasAskedForForADay) {
    const Pool pool = registry_->pools.set(root, key, {.demand = 95});
    take(2);
    pass(std::chrono::hours(23));
    take(1);
    registry_->pools.forget_old_arrivals();
    EXPECT_EQ(registry_->pools.arrivals(pool.id).size(), 2U);
    pass(std::chrono::hours(2));
    registry_->pools.forget_old_arrivals();
    ASSERT_EQ(registry_->pools.arrivals(pool.id).size(), 1U);
    EXPECT_EQ(registry_->pools.arrivals(pool.id).front().count, 1);
}

TEST_F(PoolsTest, AreMadeAnewWhereTheHostBegan) {
    const Pool pool = registry_->pools.set(root, key, {.stopped = 1, .parked = 1});
    const auto parked = make(pool, Desired::parked, 1), stopped = make(pool, Desired::stopped, 1);
    registry_->guests.start_anew();
    EXPECT_EQ(guest(parked.front()).desired, Desired::gone);
    EXPECT_EQ(guest(stopped.front()).desired, Desired::stopped);
}

}  // namespace
}  // namespace drover::test
