#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// By what the prefixes of routed networks are announced to the routers around this host.
enum class RoutingProtocol { none, ospf, bgp };
std::string_view to_text(RoutingProtocol protocol);
RoutingProtocol parse_routing_protocol(std::string_view text);

/// The number of an autonomous system, 1 to 4294967294. Error{usage} naming the text when it is none.
long long parse_asn(std::string_view text);

/// Another router, of BGP.
struct Neighbour {
    std::string address;  ///< IPv4 or IPv6
    long long asn = 0;
    bool operator==(const Neighbour&) const = default;
};
/// "10.0.0.1 65001". Error{usage} naming the text when it is none.
Neighbour parse_neighbour(std::string_view text);

/// What the configuration says of it.
struct RoutingPolicy {
    RoutingProtocol protocol = RoutingProtocol::none;
    std::string area = "0.0.0.0";         ///< of OSPF
    std::vector<std::string> interfaces;  ///< where OSPF's other routers are
    long long asn = 0;                    ///< our own, of BGP
    std::vector<Neighbour> neighbours;    ///< of BGP
    std::string pathspace;                ///< FRR's -N; empty: the usual daemons
    bool operator==(const RoutingPolicy&) const = default;
};

}  // namespace drover
