#include "model/guest.hpp"

#include <gtest/gtest.h>

#include "refusal.hpp"

namespace drover {
namespace {

TEST(GuestWords, ReadBackAsWritten) {
    for (const auto phase : all_phases) EXPECT_EQ(parse_phase(to_text(phase)), phase);
    for (const auto desired : all_desired) EXPECT_EQ(parse_desired(to_text(desired)), desired);
    for (const auto kind : {Kind::vm, Kind::container}) EXPECT_EQ(parse_kind(to_text(kind)), kind);
    EXPECT_EQ(to_text(Phase::starting), "starting");
    EXPECT_EQ(to_text(Desired::gone), "gone");
    EXPECT_EQ(to_text(Kind::container), "container");
}

TEST(GuestWords, AnUnknownWordIsNamedWithTheKnownOnes) {
    EXPECT_EQ(refusal([] { parse_kind("VM"); }), "unknown kind 'VM' | one of: vm, container");
    EXPECT_EQ(refusal([] { parse_desired("starting"); }),
              "unknown desired state 'starting' | one of: stopped, parked, ready, gone");
    refusal([] { parse_phase(""); });
}

Guest guest(Phase phase, Desired desired) {
    Guest g;
    g.phase = phase;
    g.desired = desired;
    g.want = g.have = {"sha256:aa", 1, 1};
    return g;
}

TEST(Settled, WhenThePhaseIsTheDesiredOne) {
    for (const auto desired : all_desired)
        for (const auto phase : all_phases)
            EXPECT_EQ(guest(phase, desired).settled(), to_text(phase) == to_text(desired))
                << to_text(phase) << " / " << to_text(desired);
}

TEST(Settled, AReadyGuestMustHaveAllThatIsWanted) {
    auto g = guest(Phase::ready, Desired::ready);
    g.want.boot = 2;
    EXPECT_FALSE(g.settled());
    g = guest(Phase::ready, Desired::ready);
    g.want.version = "sha256:bb";
    EXPECT_FALSE(g.settled());
    g = guest(Phase::ready, Desired::ready);
    g.copy = true;
    EXPECT_FALSE(g.settled());
}

TEST(Settled, AStoppedGuestOwesOnlyItsDisk) {
    auto g = guest(Phase::stopped, Desired::stopped);
    g.want.version = "sha256:bb";
    g.want.boot = 2;
    EXPECT_TRUE(g.settled());
    g.want.overlay = 2;
    EXPECT_FALSE(g.settled());
    g = guest(Phase::stopped, Desired::stopped);
    g.copy = true;
    EXPECT_FALSE(g.settled());
}

TEST(Settled, NeverWithAFault) {
    for (const auto desired : all_desired)
        for (const auto phase : all_phases) {
            auto g = guest(phase, desired);
            g.fault = Fault{"start", "no memory", {}};
            EXPECT_FALSE(g.settled());
        }
}

}  // namespace
}  // namespace drover
