#pragma once
#include <map>
#include <optional>
#include <string>

#include "model/guest.hpp"

namespace drover {

/// What went over a guest's line since it started, as the guest sees it.
struct Traffic {
    long long sent = 0, received = 0;  ///< bytes
    long long sent_packets = 0, received_packets = 0;
};

/// None while it has no line. Any thread.
std::optional<Traffic> traffic_of(const std::string& instance, GuestId guest);
/// Of all guests of the instance that have one.
std::map<GuestId, Traffic> all_traffic(const std::string& instance);

}  // namespace drover
