#pragma once
#include <functional>
#include <string>
#include <vector>

#include "model/guest.hpp"

namespace drover {

/// Plugs what is in no bridge again into the one that it belongs to: a guest's port lost its bridge when somebody removed
/// the network under it. Ports are the interfaces of this host called "<instance>-<id of a guest>". `bridge_of`: the bridge
/// that the guest belongs to; empty: nobody's. The names of those that were plugged in.
std::vector<std::string> plug_in(const std::string& instance, const std::function<std::string(GuestId)>& bridge_of);

}  // namespace drover
