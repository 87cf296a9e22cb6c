#pragma once
#include <string>

#include "control/codec.hpp"

namespace drover::guest {

/// An interface that comes up after this has no IPv6 address and says nothing, until put_ipv6_into_force().
void silence_ipv6(const std::string& interface);

/// Gives an interface, by name and number, that is up and has its MAC the IPv6 address and default route of the
/// identity, at once usable, the link-local address that belongs to its MAC, and none beside them that anybody's
/// advertisement could give it. An identity without IPv6, or a kernel without: nothing. Error{failed} naming what the
/// kernel refused.
void put_ipv6_into_force(const std::string& interface, unsigned index, const control::Identity& identity);

}  // namespace drover::guest
