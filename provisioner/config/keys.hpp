#pragma once
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "config/value.hpp"

namespace drover {

/// A key and how its value gets into what it belongs to.
template <typename Target> struct Key {
    std::string_view name;  ///< dotted: "network.cidr"
    void (*read)(Target& target, const Value& value);
};

/// All keys but those of `hosts` and `networks`, which are lists of groups. schema/configuration.md is their reference.
const std::vector<Key<Config>>& top_keys();
const std::vector<Key<HostConfig>>& host_keys();
const std::vector<Key<NetworkConfig>>& network_keys();

}  // namespace drover
