#pragma once
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/wave.hpp"

/// Guests for the tests of waves.
namespace drover::test {

using Ids = std::vector<GuestId>;

inline WavePolicies all(const std::string& policy) {
    const WavePolicy one = parse_wave_policy(policy);
    return {one, one, one, one};
}

inline Instant at(Duration time) { return Instant(time); }

/// `guest-<id>`, off and wanted ready.
inline Guest stopped(GuestId id) {
    Guest guest{.id = id, .name = "guest-" + std::to_string(id), .owner = "alice", .image = "tiny", .host = "one"};
    guest.phase = Phase::stopped;
    guest.want = {"v1", 1, 1};
    guest.have = {"v1", 1, 0};
    return guest;
}

inline Guest ready(GuestId id) {
    Guest guest = stopped(id);
    guest.phase = Phase::ready;
    guest.have = guest.want;
    return guest;
}

inline Guest pooled(GuestId id) {
    Guest guest = stopped(id);
    guest.owner.reset();
    guest.desired = Desired::parked;
    return guest;
}

/// Guests `first` to `last` come to be started.
inline void line_up(Wave& wave, GuestId first, GuestId last, Instant now = at(Duration(0))) {
    for (GuestId id = first; id <= last; ++id) wave.enter(stopped(id), Step::start, now);
}

/// Calls whoever may go, and they begin.
inline Ids begin(Wave& wave, Instant now) {
    const Ids called = wave.admit(now);
    for (const GuestId id : called) EXPECT_TRUE(wave.enter(stopped(id), Step::start, now)) << id;
    return called;
}

}  // namespace drover::test
