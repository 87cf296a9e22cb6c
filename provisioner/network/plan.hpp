#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/network.hpp"

namespace drover {

/// What a plan of networks is made with, besides the configuration.
struct PlanSources {
    std::string registry;  ///< its UUID
    std::function<std::optional<std::string>(const std::string& key)> note;
    std::function<void(const std::string& key, const std::string& value)> set_note;
    std::function<std::vector<Subnet>()> taken;  ///< subnets that others use
    bool has_ipv6 = true;                        ///< the host's kernel
};

/// The networks of the configuration with all that it leaves open resolved. What is chosen once is kept in the
/// registry's notes, "network/NAME", and stays: subnets, and which users of the host its containers have.
/// Error{refused} when two overlap, or no subnet is free.
NetworkPlan make_plan(const Config& config, const PlanSources& sources);

/// Whether this host's kernel has IPv6.
bool host_has_ipv6();

}  // namespace drover
