#pragma once
#include <optional>
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

/// The network called `name`: NAT, no DHCP, a DNS that answers for its domain alone and watches `folder` for names. The
/// host's own, "gateway", is part of the network.
std::string to_xml(const NetworkSpec& spec, const std::string& name, const std::string& folder);
NetworkShape shape_of(const NetworkSpec& spec);
NetworkShape read_shape(const std::string& xml);

/// Whether the network's DNS watches the folder.
bool watches(const std::string& xml, const std::string& folder);
/// Whether libvirt leaves its traffic to us.
bool is_open(const std::string& xml);
/// The network with its DNS watching the folder, and no other of that name, with no guest's name in itself, and without
/// rules of libvirt's; all else as it was.
std::string brought_up_to_date(const std::string& xml, const std::string& folder);

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
