#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "model/address.hpp"

namespace drover {

/// IPv4 subnets that this host's interfaces and its main routing table know, but for those on interfaces
/// whose names begin with `except`; empty: all. Without default routes, also the pair of halves that VPNs use for one:
/// they would overlap everything.
std::vector<Subnet> subnets_of_host(std::string_view except);

/// The subnets in a text in the form of /proc/net/route, by the same rules.
std::vector<Subnet> subnets_in_routes(const std::string& text, std::string_view except);

}  // namespace drover
