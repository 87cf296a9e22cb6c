#pragma once
#include <map>
#include <string>

#include "control/codec.hpp"

namespace drover {

/// What a seed tells cloud-init of a guest: its files meta-data and network-config, by name. A guest with another
/// address is another instance, which gets its network anew; with the same one it stays what it was, whatever it is
/// restored to.
std::map<std::string, std::string> seed_of(const control::Identity& identity);

}  // namespace drover
