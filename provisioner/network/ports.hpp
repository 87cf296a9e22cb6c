#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/guest.hpp"

namespace drover {

/// Whose line has this name on the host; none: no guest's of the instance.
std::optional<GuestId> guest_of_device(const std::string& instance, const std::string& device);

/// Plugs what is in no bridge again into the one that it belongs to: a guest's port lost its bridge when somebody
/// removed the network under it. Ports are the interfaces of this host called "<instance>-<id of a guest>".
/// `bridge_of`: the bridge that the guest belongs to; empty: nobody's. The names of those that were plugged in.
std::vector<std::string> plug_in(const std::string& instance, const std::function<std::string(GuestId)>& bridge_of);

}  // namespace drover
