#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "hypervisor/networks.hpp"

/// Network XML, pure: text in, text out.
namespace drover {

/// What makes a network the one that a spec asks for; names are no part of it.
struct NetworkShape {
    std::string bridge, domain;
    std::optional<Subnet> subnet;  ///< none: it has no IPv4 address

    bool operator==(const NetworkShape&) const = default;
};

/// The folders that a network's dnsmasq watches.
struct NetworkFolders {
    std::string names, reservations;
};

/// What of a network may differ from what it is to be without its guests losing their line.
struct NetworkFittings {
    std::string mode;                 ///< of `forward`; empty: none
    std::string address6;             ///< "fd12::1/64"; empty: none
    std::set<std::string> options{};  ///< of its dnsmasq

    bool operator==(const NetworkFittings&) const = default;
};
NetworkFittings fittings_of(const NetworkSpec& spec, const NetworkFolders& folders);
NetworkFittings read_fittings(const std::string& xml);

/// The network called `name`, with this UUID. One of our own: a DNS that answers for its domain alone and watches a
/// folder for names; a DHCP that answers those alone who have a reservation; no SLAAC. The host's own name, "gateway",
/// is part of the network. One of mode bridge: the bridge alone.
std::string to_xml(const NetworkSpec& spec, const std::string& name, const std::string& uuid,
                   const NetworkFolders& folders);
NetworkShape shape_of(const NetworkSpec& spec);
NetworkShape read_shape(const std::string& xml);

/// Whether the network's DNS watches the folder.
bool watches(const std::string& xml, const std::string& folder);
/// Its subnets: none, one or several.
std::vector<Subnet> read_subnets(const std::string& xml);

/// The DNS entry of a name: alone, and within the network's domain.
std::string host_xml(const HostName& host, const std::string& domain);
/// What tells an entry from others when it is to be removed: its address.
std::string address_xml(Address address);
/// The DNS entry of the gateway, which every network of ours has.
HostName gateway_name(const Subnet& subnet);
/// All DNS entries for IPv4 addresses, the gateway's too.
std::vector<HostName> read_names(const std::string& xml);

}  // namespace drover
