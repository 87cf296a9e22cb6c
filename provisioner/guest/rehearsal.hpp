#pragma once
#include "guest/settings.hpp"

namespace drover::guest {

/// Does once, out of sight in a folder of the guest's end's own, what an identity will ask of a fork, and takes it away
/// again. An emulator translates code when it first runs: a parked guest that is then adopted has that behind it. What
/// goes wrong is no matter.
void rehearse(const Settings& settings);

}  // namespace drover::guest
