#include <set>
#include <thread>

#include "fixture.hpp"

/// The engine with a real registry, real overlays and a small working hypervisor: requests end where they should, and
/// what goes wrong on the way is mended or reported.
namespace drover {
namespace {

TEST_F(HerdTest, ARequestEndsWithReadyGuestsThatKnowWhoTheyAre) {
    start_herd();
    EXPECT_EQ(outcome_of(request(3).operation), "done");
    std::set<std::string> machine_ids, host_keys;
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) {
        EXPECT_EQ(guest.phase, Phase::ready) << guest.name;
        EXPECT_EQ(domains.identity(guest.id).name, guest.name);
        EXPECT_EQ(domains.authorized_keys(guest.id), std::vector{alice_key});
        machine_ids.insert(guest.machine_id);
        host_keys.insert(guest.host_key);
    }
    EXPECT_EQ(machine_ids.size(), 3U);
    EXPECT_EQ(host_keys.size(), 3U);
    EXPECT_FALSE(host_keys.contains(""));
}

TEST_F(HerdTest, StopStartAndRestartKeepOverlayAndHostKey) {
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    const Guest before = *registry.guests.get(1);
    EXPECT_EQ(outcome_of(ask(Verb::stop)), "done");
    EXPECT_EQ(domains.look(1).run, Run::off);
    EXPECT_EQ(outcome_of(ask(Verb::start)), "done");
    EXPECT_EQ(outcome_of(ask(Verb::restart)), "done");
    const Guest after = *registry.guests.get(1);
    EXPECT_EQ(domains.starts(1), 3);
    EXPECT_EQ(after.have.overlay, before.have.overlay);
    EXPECT_EQ(after.host_key, before.host_key);
}

TEST_F(HerdTest, AGuestThatWentOffBeforeItKeptItsHostKeyGetsTheSameAgain) {
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    const std::string key = registry.guests.get(1)->host_key;
    domains.behave(1, {.loses_key = true});
    EXPECT_EQ(outcome_of(ask(Verb::restart)), "done");
    EXPECT_EQ(registry.guests.get(1)->host_key, key) << "who trusts it would be warned of an attack";
}

TEST_F(HerdTest, RebuildGivesAFreshOverlayAndRemovesTheOldOne) {
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    const std::string old = overlays.place(1, 1).overlay;
    EXPECT_EQ(outcome_of(ask(Verb::rebuild)), "done");
    EXPECT_TRUE(fs::exists(overlays.place(1, 2).overlay));
    EXPECT_FALSE(fs::exists(old));
    EXPECT_EQ(registry.guests.get(1)->phase, Phase::ready);
}

TEST_F(HerdTest, RetireLeavesNothing) {
    start_herd();
    ASSERT_EQ(outcome_of(request(2).operation), "done");
    EXPECT_EQ(outcome_of(ask(Verb::retire)), "done");
    EXPECT_TRUE(domains.list().empty());
    EXPECT_TRUE(overlays.ids().empty());
    EXPECT_TRUE(network.names().empty());
}

TEST_F(HerdTest, ACrashIsHealedAndAPowerOffIsRespected) {
    start_herd();
    ASSERT_EQ(outcome_of(request(2).operation), "done");
    domains.crash(1);
    domains.power_off(2);
    EXPECT_TRUE(eventually([&] { return domains.starts(1) == 2 && registry.guests.get(1)->phase == Phase::ready; }));
    EXPECT_TRUE(reaches(2, Phase::stopped));
    EXPECT_EQ(registry.guests.get(2)->desired, Desired::stopped);
    EXPECT_EQ(domains.starts(2), 1);
}

TEST_F(HerdTest, AGuestThatRestartsItselfIsIntroducedAgain) {
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    const std::int64_t rev = registry.guests.get(1)->rev;
    domains.reboot(1);
    EXPECT_TRUE(eventually([&] {
        const Guest guest = *registry.guests.get(1);
        return guest.rev > rev + 1 && guest.phase == Phase::ready;
    }));
    EXPECT_EQ(domains.identity(1).name, "alice-1");
    EXPECT_EQ(domains.starts(1), 1);
}

TEST_F(HerdTest, AGuestThatNeverAnswersIsFaultedAndHoldsUpNobody) {
    config.ready_timeout = 1s;
    domains.behave(1, {.answers = false});
    start_herd();
    EXPECT_EQ(outcome_of(request(2).operation), "partial");
    const Guest dead = *registry.guests.get(1);
    ASSERT_TRUE(dead.fault);
    EXPECT_NE(dead.fault->message.find("not ready within"), std::string::npos) << dead.fault->message;
    EXPECT_EQ(registry.guests.get(2)->phase, Phase::ready);
    domains.behave(1, {});
    EXPECT_EQ(outcome_of(ask(Verb::start, "alice-1")), "done") << "any verb clears the fault";
}

TEST_F(HerdTest, AFailingStartIsTriedAgain) {
    domains.behave(1, {.failing_starts = 2});
    start_herd();
    EXPECT_EQ(outcome_of(request(1).operation), "done");
    EXPECT_EQ(registry.guests.get(1)->attempts, 2);
}

TEST_F(HerdTest, AGuestThatDoesNotObeyIsForcedOff) {
    domains.behave(1, {.answers = true, .obeys_button = false});
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    domains.suspend(1);  // it can hear nothing
    EXPECT_EQ(outcome_of(ask(Verb::stop)), "done");
    EXPECT_EQ(domains.look(1).run, Run::off);
}

TEST_F(HerdTest, ChangedKeysReachARunningGuest) {
    start_herd();
    ASSERT_EQ(outcome_of(request(1).operation), "done");
    const std::string host_key = registry.guests.get(1)->host_key;
    registry.owners.set({.name = "alice", .keys = std::vector<std::string>{}}, 0);
    herd->nudge(1);
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!domains.authorized_keys(1).empty() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    EXPECT_TRUE(domains.authorized_keys(1).empty());
    EXPECT_EQ(registry.guests.get(1)->phase, Phase::ready);
    EXPECT_EQ(registry.guests.get(1)->host_key, host_key) << "who trusts it would be warned of an attack";
    EXPECT_EQ(domains.starts(1), 1);
}

TEST_F(HerdTest, WorkWaitsForTheHypervisorAndCountsNothingAgainstTheGuests) {
    domains.set_reachable(false);
    start_herd();
    const auto reserved = request(2);
    domains.set_reachable(true);
    EXPECT_EQ(outcome_of(reserved.operation), "done");
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) EXPECT_EQ(guest.attempts, 0);
}

TEST_F(HerdTest, ANewDaemonGoesOnWhereTheOldOneWas) {
    start_herd();
    ASSERT_EQ(outcome_of(request(2).operation), "done");
    herd.reset();
    domains.crash(1);
    const auto more = registry.guests.request(
        root, {.owner = "alice", .count = 3},
        {.image = "plain", .profile = "basic", .version = version.digest, .network = network_of(subnet)});
    start_herd();
    EXPECT_EQ(outcome_of(more.operation), "done");
    EXPECT_TRUE(reaches(1, Phase::ready));
    EXPECT_EQ(domains.starts(2), 1) << "what ran all the time is left alone";
}

TEST_F(HerdTest, AStartThatTheHypervisorNeverEndsIsAFaultThatSaysWhatToDo) {
    config.ready_timeout = 200ms;
    domains.set_starting_up(1, true);
    start_herd();
    const auto asked = request(1);
    EXPECT_EQ(outcome_of(asked.operation), "failed");
    const auto fault = registry.guests.get(1)->fault;
    ASSERT_TRUE(fault);
    EXPECT_NE(fault->message.find("rm /run/libvirt/qemu/test-1.xml"), std::string::npos) << fault->message;
    domains.set_starting_up(1, false);
    herd.reset();
    config.ready_timeout = 60s;
    start_herd();
    EXPECT_EQ(outcome_of(ask(Verb::start)), "done");
}

TEST_F(HerdTest, AForeignDomainOfOurNameIsNotTouchedAndFaultsItsGuest) {
    domains.add_foreign(1);
    start_herd();
    EXPECT_EQ(outcome_of(request(1).operation), "failed");
    EXPECT_TRUE(registry.guests.get(1)->fault);
    EXPECT_EQ(outcome_of(ask(Verb::retire)), "done");
}

}  // namespace
}  // namespace drover
