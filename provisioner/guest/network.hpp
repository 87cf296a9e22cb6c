#pragma once
#include <string>

#include "control/codec.hpp"

namespace drover::guest {

/// Brings the loopback and the first ethernet interface up and gives the latter its MAC, addresses and default routes.
/// What is so already is not touched, so a repetition cuts no connection. Error{failed} naming what the kernel refused.
void put_network_into_force(const control::Identity& identity);

/// In a template: the same interfaces are up, the ethernet one silent and without an address of any kind, so that its
/// forks need not bring them up. Error{failed} naming what the kernel refused.
void put_network_to_rest();

/// Gives the first ethernet interface its MAC. Error{failed} naming what the kernel refused.
void put_mac(const std::string& mac);

}  // namespace drover::guest
