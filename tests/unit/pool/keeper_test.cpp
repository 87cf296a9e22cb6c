#include "pool/keeper.hpp"

#include <gmock/gmock.h>

#include "fixture.hpp"

/// Pools on the engine with a small working hypervisor: members rehearse and are parked, requests adopt them, what
/// fails is not handed out.
namespace drover {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class PoolTest : public HerdTest {
  protected:
    PoolTest() {
        registry.events.watch([this] {
            rounds.wake();
            const std::lock_guard lock(mutex);
            ++news;
            happened.notify_all();
        });
        start_herd();
    }

    void keep(const PoolChange& change) {
        registry.pools.set(root, {"plain", "basic", Kind::vm}, change);
        rounds.wake();
        if (keeper) return;
        keeper = std::make_unique<PoolKeeper>(
            PoolParts{.config = config,
                      .registry = registry,
                      .nudge = [this](const std::vector<GuestId>& ids) { herd->nudge(ids); },
                      .may_run = [this] { return herd->hypervisor_reachable(); },
                      .reservation = [this](const PoolKey&) { return reservation(); },
                      .load = [this] { return *load.lock(); },
                      .rounds = rounds,
                      .calm = calm});
        keeper->start();
    }
    [[nodiscard]] Reservation reservation() const {
        return {.image = "plain",
                .profile = "basic",
                .version = version.digest,
                .network = network_of(subnet),
                .size = *size.lock()};
    }
    GuestReservation take(int count) {
        const auto reserved =
            registry.guests.request(root, {.owner = "alice", .count = count, .additional = true}, reservation());
        herd->nudge(registry.guests.ids_in(reserved.operation));
        return reserved;
    }
    [[nodiscard]] std::vector<Guest> members(Phase phase) {
        std::vector<Guest> result;
        for (const auto& [guest, made_with] : registry.pools.members())
            if (guest.phase == phase && guest.desired == (phase == Phase::parked ? Desired::parked : Desired::stopped))
                result.push_back(guest);
        return result;
    }
    [[nodiscard]] bool has(Phase phase, std::size_t count) {
        return eventually([&] { return members(phase).size() == count; });
    }
    [[nodiscard]] Pool pool() { return registry.pools.list().front(); }
    [[nodiscard]] std::vector<std::string> kinds_told() {
        std::vector<std::string> kinds;
        for (const Event& event : registry.events.since(0, 10000, std::nullopt)) kinds.push_back(event.kind);
        return kinds;
    }

    Rounds rounds;
    Synchronized<HostLoad> load;
    mutable Synchronized<std::string> size{"small"};
    std::unique_ptr<PoolKeeper> keeper;
    Duration calm{0};
};

TEST_F(PoolTest, AMemberRehearsesAsNobodyAndIsParked) {
    keep({.parked = 2});
    ASSERT_TRUE(has(Phase::parked, 2));
    for (const Guest& member : members(Phase::parked)) {
        EXPECT_EQ(member.owner, std::nullopt);
        EXPECT_FALSE(member.host_key.empty());
        EXPECT_EQ(member.good, version.digest);
        EXPECT_EQ(domains.identity(member.id).owner, "");
        EXPECT_TRUE(domains.authorized_keys(member.id).empty());
        EXPECT_EQ(domains.look(member.id).run, Run::paused);
    }
    EXPECT_TRUE(network.names().empty()) << "nobody's guest has no name to be found by";
    EXPECT_EQ(pool().made, 2);
}

TEST_F(PoolTest, ARequestAdoptsParkedMembersThenStoppedOnesThenMakesTheRest) {
    keep({.stopped = 1, .parked = 1});
    ASSERT_TRUE(has(Phase::parked, 1));
    ASSERT_TRUE(has(Phase::stopped, 1));
    const Guest parked = members(Phase::parked).front(), stopped = members(Phase::stopped).front();
    keeper.reset();
    EXPECT_EQ(outcome_of(take(3).operation), "done");
    const Guest first = *registry.guests.get(parked.id), second = *registry.guests.get(stopped.id);
    EXPECT_EQ(first.started_by, "adopt");
    EXPECT_EQ(second.started_by, "cold");
    EXPECT_EQ(first.owner, "alice");
    EXPECT_EQ(first.pool, std::nullopt);
    EXPECT_THAT((std::vector{first.name, second.name}), ElementsAre("alice-1", "alice-2"));
    EXPECT_EQ(domains.starts(parked.id), 1) << "it was booted once";
    EXPECT_EQ(domains.identity(parked.id).owner, "alice");
    EXPECT_EQ(domains.authorized_keys(parked.id), std::vector{alice_key});
    EXPECT_EQ(domains.look(parked.id).name, "alice-1");
    EXPECT_EQ(first.host_key, parked.host_key);
    EXPECT_EQ(network.names().size(), 3U);
    EXPECT_EQ(pool().taken, 2);
}

TEST_F(PoolTest, WhatIsTakenIsMadeAgainUnderNewNamesAndAddresses) {
    keep({.parked = 2});
    ASSERT_TRUE(has(Phase::parked, 2));
    EXPECT_EQ(outcome_of(take(2).operation), "done");
    ASSERT_TRUE(has(Phase::parked, 2));
    std::set<std::uint32_t> addresses;
    std::set<std::string> all_names;
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) {
        addresses.insert(guest.address.value);
        all_names.insert(guest.name);
    }
    EXPECT_EQ(addresses.size(), 4U);
    EXPECT_EQ(all_names.size(), 4U);
}

TEST_F(PoolTest, NothingIsBegunWhileSomebodyAsksAndEnoughIsLeft) {
    calm = std::chrono::hours(1);
    keep({.parked = 4});
    ASSERT_TRUE(has(Phase::parked, 4));
    for (int i = 0; i < 2; ++i) EXPECT_EQ(outcome_of(take(1).operation), "done");
    EXPECT_EQ(pool().made, 4);
    EXPECT_EQ(outcome_of(take(1).operation), "done");
    EXPECT_TRUE(eventually([&] { return pool().made > 4; })) << "a quarter is left";
}

TEST_F(PoolTest, OneThatDiesWhileItIsParkedIsNeverHandedOut) {
    keep({.parked = 1});
    ASSERT_TRUE(has(Phase::parked, 1));
    const GuestId dead = members(Phase::parked).front().id;
    domains.crash(dead);
    ASSERT_TRUE(reaches(dead, Phase::gone));
    ASSERT_TRUE(has(Phase::parked, 1));
    EXPECT_EQ(domains.starts(dead), 0) << "it is not there any more";
    EXPECT_EQ(pool().failures, 0) << "it could be made";
}

TEST_F(PoolTest, OneThatSomebodyResumedIsParkedAgain) {
    keep({.parked = 1});
    ASSERT_TRUE(has(Phase::parked, 1));
    const GuestId id = members(Phase::parked).front().id;
    const auto rev = registry.guests.get(id)->rev;
    domains.resume(id);
    ASSERT_TRUE(eventually([&] { return registry.guests.get(id)->rev >= rev + 2; }));
    ASSERT_TRUE(has(Phase::parked, 1));
    EXPECT_EQ(domains.look(id).run, Run::paused);
    EXPECT_EQ(pool().made, 1) << "it counts once";
}

TEST_F(PoolTest, ThreeFailuresInARowOpenTheBreakerWhichSaysWhy) {
    domains.behave({.failing_starts = 1000});
    keep({.parked = 5});
    ASSERT_TRUE(eventually([&] { return pool().failures >= PoolKeeper::breaker_opens_at; }));
    ASSERT_TRUE(eventually([&] { return registry.pools.members().empty(); }));
    EXPECT_THAT(pool().reason, HasSubstr("it was told to fail"));
    EXPECT_LE(pool().failures, PoolKeeper::breaker_opens_at + 1) << "two are made at once";
    const PoolState state = keeper->states().front();
    EXPECT_THAT(state.trouble, HasSubstr("it was told to fail"));
    EXPECT_TRUE(state.retry_in.has_value());
    EXPECT_TRUE(eventually([&] {
        const auto told = kinds_told();
        return std::count(told.begin(), told.end(), "pool-breaker") == 1;
    }));
    domains.behave(Behaviour{});
    keep({});  // whoever sets it anew has it tried at once
    EXPECT_TRUE(has(Phase::parked, 5));
    EXPECT_EQ(pool().failures, 0);
}

TEST_F(PoolTest, MembersOfAnotherSizeOrVersionAreMadeAnew) {
    keep({.parked = 2});
    ASSERT_TRUE(has(Phase::parked, 2));
    const GuestId old = members(Phase::parked).front().id;
    *size.lock() = "large";
    rounds.wake();
    ASSERT_TRUE(reaches(old, Phase::gone));
    EXPECT_TRUE(eventually([&] {
        const auto all = registry.pools.members();
        return all.size() == 2 && std::all_of(all.begin(), all.end(), [](const PoolMember& member) {
                   return member.size == "large" && member.guest.phase == Phase::parked;
               });
    }));
}

TEST_F(PoolTest, WhereMemoryIsShortParkedMembersGo) {
    keep({.stopped = 1, .parked = 3});
    ASSERT_TRUE(has(Phase::parked, 3));
    load.lock()->free_memory = 0;
    rounds.wake();
    ASSERT_TRUE(has(Phase::parked, 0));
    EXPECT_EQ(members(Phase::stopped).size(), 1U);
    EXPECT_THAT(kinds_told(), Contains("pool-memory"));
    load.lock()->free_memory = 1LL << 40;
    rounds.wake();
    EXPECT_TRUE(has(Phase::parked, 3));
}

TEST_F(PoolTest, ADrainedPoolIsNoMore) {
    keep({.stopped = 1, .parked = 2});
    ASSERT_TRUE(has(Phase::parked, 2));
    registry.pools.drain(root, {"plain", "basic", Kind::vm});
    rounds.wake();
    EXPECT_TRUE(eventually([&] { return registry.pools.list().empty(); }));
    EXPECT_TRUE(domains.list().empty());
    EXPECT_THAT(kinds_told(), Contains("pool-drained"));
}

TEST_F(PoolTest, NoVerbMovesWhatIsInAPool) {
    keep({.parked = 1});
    ASSERT_TRUE(has(Phase::parked, 1));
    EXPECT_EQ(outcome_of(take(1).operation), "done");
    ASSERT_TRUE(has(Phase::parked, 1));
    const std::string member = members(Phase::parked).front().name;
    const Operation all = registry.guests.change(root, {Verb::stop, {.all = true}}, std::nullopt);
    EXPECT_EQ(all.items.size(), 1U);
    EXPECT_EQ(registry.guests.change(root, {Verb::stop, {.globs = {member}}}, std::nullopt).items.front().outcome,
              "refused");
}

TEST_F(PoolTest, ADaemonThatComesBackAdoptsWhatItsPredecessorParked) {
    keep({.parked = 1});
    ASSERT_TRUE(has(Phase::parked, 1));
    const GuestId id = members(Phase::parked).front().id;
    keeper.reset();
    herd.reset();
    start_herd();
    EXPECT_EQ(outcome_of(take(1).operation), "done");
    EXPECT_EQ(registry.guests.get(id)->owner, "alice");
    EXPECT_EQ(domains.starts(id), 1);
    EXPECT_EQ(domains.identity(id).owner, "alice");
}

TEST_F(PoolTest, FollowsTheDemand) {
    keep({.demand = 100});
    EXPECT_EQ(keeper->states().front().parked_target, 0);
    EXPECT_EQ(outcome_of(take(4).operation), "done");
    rounds.wake();
    EXPECT_TRUE(has(Phase::parked, 4));
}

}  // namespace
}  // namespace drover
