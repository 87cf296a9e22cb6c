#pragma once
#include <functional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/network.hpp"

namespace drover {

/// What of a host's own network a network of guests could get in the way of.
struct HostView {
    /// One of its addresses, or somebody's who is on it by ssh.
    struct Own {
        Address address;
        std::string what;  ///< "the address of eth0, through which this host is reached"
    };
    struct Taken {
        Subnet subnet;
        std::string what;  ///< "of eth0"
    };
    struct Taken6 {
        Subnet6 subnet;
        std::string what;
    };
    std::vector<Own> own;
    std::vector<Taken> subnets;
    std::vector<Taken6> subnets6;
};

/// This host, as it is now, but for interfaces whose names begin with `except`: those are the instance's.
HostView look_at_host(const std::string& except);

/// Why the host cannot have such a network; empty: it can. `range`: of mode bridge, which guests' addresses are; it
/// lies in a subnet of the host's, and must spare what the host has there. Pure.
std::string conflict(const HostView& host, const Network& network);

/// Error{refused} naming each network of the plan that this host cannot have and that has no bridge here yet; one that
/// runs already is `warned` of.
void check_against_host(const NetworkPlan& plan, const std::string& instance,
                        const std::function<void(const std::string&)>& warn);

/// What of the configuration alone can be known so: the networks that name their subnets.
std::vector<std::string> conflicts_here(const Config& config);

}  // namespace drover
