#pragma once
#include <optional>
#include <set>
#include <string>

namespace drover::fsck {

/// What the kernel's rules say of who is there, as `nft` tells it.
struct FirewallSight {
    bool table = false;              ///< both of ours are there
    std::set<std::string> lines;     ///< of guests, by device: "drover-42"
    std::set<std::string> openings;  ///< "10.77.0.9 tcp 1098", from wherever
    std::set<std::string> others;    ///< tables "drover_*" of other instances
};

/// None where nobody can look: no such program, no right to.
std::optional<FirewallSight> look_at_firewall(const std::string& nft, const std::string& instance);

}  // namespace drover::fsck
