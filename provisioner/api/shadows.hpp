#pragma once
#include <optional>
#include <string>
#include <vector>

#include "api/call.hpp"
#include "api/doors.hpp"

namespace drover::api {

/// What guests hide of the versions that they are to run; `guests` as Guests::preview() has them. Nothing: not yet, ask
/// again.
std::optional<std::vector<ShadowReport>> shadows_of(const Doors& doors, const std::vector<Guest>& guests);

/// As the wire has it.
wire::ShadowSight sight_of(const ShadowReport& report);

/// An upgrade: asks the guests, applies the policy, accepts it. Nothing: not yet, ask again.
std::optional<Operation> upgrade(const Doors& doors, const Call& call, const Change& change);

}  // namespace drover::api
