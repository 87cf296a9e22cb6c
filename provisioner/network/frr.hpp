#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/routing.hpp"

/// FRR's own language, pure: text in, text out. Its manual: docs.frrouting.org.
namespace drover {

/// One network as a router sees it.
struct Announced {
    std::string bridge;
    std::string prefix;                  ///< "10.90.0.0/20"
    std::optional<std::string> prefix6;  ///< "fd00:1::/64"
    bool operator==(const Announced&) const = default;
};

/// What vtysh is to be told so that these are announced, in its own language, one command a line. Telling it again
/// changes nothing. A guests' bridge is passive: no guest is anybody's neighbour. Nothing is ever taken back: with its
/// bridge a prefix goes from the host's routes, and so from what FRR announces.
std::string announcement(const RoutingPolicy& policy, const std::vector<Announced>& networks);

/// Lines of `announcement` that a running configuration (`show running-config`) does not have in the same place; empty:
/// all is said.
std::vector<std::string> missing_in(const std::string& running, const std::string& announcement);

}  // namespace drover
