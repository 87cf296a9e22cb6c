#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hypervisor/networks.hpp"
#include "model/guest.hpp"
#include "model/sync.hpp"

namespace drover {

/// How one network is, as it was last looked after.
struct NetworkSight {
    std::string name;
    bool runs = false;
    std::string trouble;  ///< why it does not; empty: nothing
};

/// The networks of an instance: makes them what they should be, again and again, and tells what somebody else undid.
/// Any thread.
class GuestNetworks {
  public:
    struct Part {
        Network network;
        Networks& door;
    };
    struct Ways {
        std::function<void(const std::string& message)> tell;  ///< an event
        /// The network of the guest that is not gone; none: there is no such guest.
        std::function<std::optional<std::string>(GuestId)> network_of;
    };
    GuestNetworks(std::string instance, std::string registry, std::vector<Part> parts, Ways ways);

    /// All of them. What is wrong with the default one is thrown, once the others were looked after; what is wrong with
    /// another is told, and tried again with the next call.
    void ensure();
    /// How they are, in their order.
    std::vector<NetworkSight> sights();

  private:
    void ensure(const Part& part, NetworkSight& sight);
    void plug_in_guests();

    struct State {
        std::map<std::string, NetworkSight> sights;  ///< by name
    };
    std::string instance_, registry_;
    std::vector<Part> parts_;
    Ways ways_;
    Synchronized<State> state_;
};

}  // namespace drover
