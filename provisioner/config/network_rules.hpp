#pragma once
#include <string>
#include <vector>

#include "config/config.hpp"

namespace drover {

/// What in the configuration of one network does not go together; each begins with the key at fault. Pure.
std::vector<std::string> wrong_in(const NetworkConfig& network);

/// Why the two cannot be networks of one instance; each begins with the key of `other` at fault. `is_default`: the
/// first one is the default network. Pure.
std::vector<std::string> wrong_between(const NetworkConfig& network, const NetworkConfig& other, bool is_default);

}  // namespace drover
