#include "hypervisor/libvirt_networks.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <optional>

#include "hypervisor/handles.hpp"
#include "hypervisor/network_xml.hpp"
#include "hypervisor/ownership.hpp"
#include "hypervisor/subnets.hpp"

namespace drover {
namespace {

using Own = OwnNetwork;

// Our network; null when there is none.
NetworkHandle find(virConnectPtr connection, const Own& own) {
    NetworkHandle network(virNetworkLookupByUUIDString(connection, own.uuid.c_str()));
    if (network) return network;
    if (last_code() != VIR_ERR_NO_NETWORK) throw last_error("look up network " + own.name);
    const NetworkHandle namesake(virNetworkLookupByName(connection, own.name.c_str()));
    if (namesake)
        throw Error(ErrorKind::refused, fmt::format("network {} belongs to somebody else", own.name),
                    "name another one in the configuration: network.name");
    if (last_code() != VIR_ERR_NO_NETWORK) throw last_error("look up network " + own.name);
    return nullptr;
}

NetworkHandle require(virConnectPtr connection, const Own& own) {
    auto network = find(connection, own);
    if (!network) throw Error(ErrorKind::not_found, fmt::format("network {} is not there", own.name));
    return network;
}

bool is_active(virNetworkPtr network, const Own& own) {
    const int active = virNetworkIsActive(network);
    if (active < 0) throw last_error("look at network " + own.name);
    return active == 1;
}

// What runs, or with VIR_NETWORK_XML_INACTIVE what is defined; the one where the other is not.
std::string describe(virNetworkPtr network, const Own& own, unsigned flags = 0) {
    const TextHandle text(virNetworkGetXMLDesc(network, flags));
    if (!text) throw last_error("describe network " + own.name);
    return text.get();
}

// libvirt's test driver forgets what it was told of the DNS server, and has none.
bool has_folder(const std::string& xml, const Own& own) { return own.is_played || watches(xml, own.folder); }

bool is_up_to_date(const std::string& xml, const Own& own) {
    return own.is_played || (watches(xml, own.folder) && is_open(xml));
}

// The attribute "connections" does not tell: libvirt forgets it when an entry of a running network changes.
int count_guests(virNetworkPtr network, const Own& own) {
    if (own.is_played || !is_active(network, own)) return 0;
    const int ports = virNetworkListAllPorts(network, nullptr, 0);
    if (ports < 0) throw last_error("count the guests in network " + own.name);
    return ports;
}

void stop_and_undefine(virNetworkPtr network, const Own& own) {
    if (is_active(network, own) && virNetworkDestroy(network) < 0) throw last_error("stop network " + own.name);
    if (virNetworkUndefine(network) < 0 && last_code() != VIR_ERR_NO_NETWORK)
        throw last_error("remove network " + own.name);
}

// The entries of a network that runs; what is defined is another matter.
void add_entry(virNetworkPtr network, const Own& own, const HostName& host, const std::string& domain) {
    if (virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, VIR_NETWORK_SECTION_DNS_HOST, -1,
                         host_xml(host, domain).c_str(), VIR_NETWORK_UPDATE_AFFECT_LIVE) < 0)
        throw last_error(fmt::format("name {} in network {}", host.name, own.name));
}

void remove_entry(virNetworkPtr network, const Own& own, Address address) {
    if (virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, VIR_NETWORK_SECTION_DNS_HOST, -1,
                         address_xml(address).c_str(), VIR_NETWORK_UPDATE_AFFECT_LIVE) < 0)
        throw last_error(fmt::format("forget {} in network {}", to_text(address), own.name));
}

// What stands in the way of `host` goes; nothing happens when it is there already.
void put_entry(virNetworkPtr network, const Own& own, const std::string& xml, const HostName& host) {
    const auto names = read_names(xml);
    if (std::find(names.begin(), names.end(), host) != names.end()) return;
    for (const auto& other : names)
        if (other.address == host.address || other.name == host.name) remove_entry(network, own, other.address);
    add_entry(network, own, host, read_shape(xml).domain);
}

void drop_entry(virNetworkPtr network, const Own& own, const std::string& xml, Address address) {
    for (const auto& host : read_names(xml))
        if (host.address == address) return remove_entry(network, own, address);
}

/// The XML of a network that runs since before names had a folder: until it is started anew, it is told them itself.
std::optional<std::string> read_older(virNetworkPtr network, const Own& own) {
    if (own.is_played || !is_active(network, own)) return std::nullopt;
    auto xml = describe(network, own);
    return has_folder(xml, own) ? std::nullopt : std::optional(std::move(xml));
}

// libvirt looks after its dnsmasq only when it has something to tell it: so it is told the gateway's name anew.
void revive_dns(virNetworkPtr network, const Own& own, const NetworkSpec& spec) {
    const auto gateway = gateway_name(spec.subnet);
    drop_entry(network, own, describe(network, own), gateway.address);
    add_entry(network, own, gateway, spec.domain);
}

void define(virConnectPtr connection, const Own& own, const std::string& xml) {
    const NetworkHandle network(virNetworkDefineXML(connection, xml.c_str()));
    if (!network) throw last_error("define network " + own.name);
}

void make(virConnectPtr connection, const Own& own, const NetworkSpec& spec) {
    define(connection, own, to_xml(spec, own.name, own.folder));
}

// A network from before names had a folder, or from when libvirt made rules for it, becomes what one is today: from its
// next start on, which is now, unless a guest would lose its line.
void bring_up_to_date(virConnectPtr connection, virNetworkPtr network, const Own& own, int guests) {
    define(connection, own, brought_up_to_date(describe(network, own, VIR_NETWORK_XML_INACTIVE), own.folder));
    if (guests == 0 && is_active(network, own) && virNetworkDestroy(network) < 0)
        throw last_error("stop network " + own.name);
}

// A network of another shape goes, unless a guest would lose its line.
NetworkHandle remake(virConnectPtr connection, NetworkHandle network, const Own& own, const NetworkSpec& spec) {
    const auto xml = describe(network.get(), own);
    const int guests = count_guests(network.get(), own);
    if (read_shape(xml) == shape_of(spec)) {
        if (!is_up_to_date(xml, own)) bring_up_to_date(connection, network.get(), own, guests);
        return network;
    }
    if (guests > 0)
        throw Error(ErrorKind::refused,
                    fmt::format("network {} cannot become {}: {} guests are plugged in", own.name, to_text(spec.subnet),
                                guests),
                    "stop them first, or keep network.cidr and network.domain as they were");
    stop_and_undefine(network.get(), own);
    make(connection, own, spec);
    return require(connection, own);
}

void ensure_network(virConnectPtr connection, const Own& own, const NetworkSpec& spec) {
    auto network = find(connection, own);
    if (!network) make(connection, own, spec);
    network = network ? remake(connection, std::move(network), own, spec) : require(connection, own);
    if (is_active(network.get(), own)) return revive_dns(network.get(), own, spec);
    if (virNetworkCreate(network.get()) == 0) return;
    const auto error = last_error("start network " + own.name);
    if (!is_active(network.get(), own)) throw Error(error);
}

std::vector<Subnet> subnets_of_others(virConnectPtr connection, const Own& own) {
    virNetworkPtr* found = nullptr;
    const int count = virConnectListAllNetworks(connection, &found, 0);
    if (count < 0) throw last_error("list networks");
    const ArrayHandle<virNetworkPtr> networks(found);
    const std::vector<NetworkHandle> all(found, found + count);
    std::vector<Subnet> taken;
    for (const auto& network : all) {
        const TextHandle xml(virNetworkGetXMLDesc(network.get(), 0));
        if (!xml) continue;  // it has gone since
        char uuid[VIR_UUID_STRING_BUFLEN] = "";
        virNetworkGetUUIDString(network.get(), uuid);
        if (own.uuid == uuid) continue;
        for (const auto& subnet : read_subnets(xml.get())) taken.push_back(subnet);
    }
    return taken;
}

}  // namespace

LibvirtNetworks::LibvirtNetworks(Connection& connection, std::string instance, const std::string& registry,
                                 std::string name, const std::string& folder)
    : connection_(connection),
      instance_(std::move(instance)),
      folder_(folder),
      own_(std::make_shared<OwnNetwork>(OwnNetwork{std::move(name), derived_uuid(registry, "network"), folder,
                                                   connection.uri().starts_with("test")})) {}

void LibvirtNetworks::ensure(const NetworkSpec& spec) {
    folder_.make();
    connection_.call([own = own_, spec](virConnectPtr c) { ensure_network(c, *own, spec); });
}

void LibvirtNetworks::remove() {
    connection_.call([own = own_](virConnectPtr c) {
        if (const auto network = find(c, *own)) stop_and_undefine(network.get(), *own);
    });
    folder_.remove();
}

void LibvirtNetworks::add_name(const HostName& host) {
    connection_.call([own = own_, host](virConnectPtr c) {
        const auto network = require(c, *own);
        if (const auto older = read_older(network.get(), *own)) put_entry(network.get(), *own, *older, host);
    });
    folder_.put(host);
}

void LibvirtNetworks::remove_name(Address address) {
    connection_.call([own = own_, address](virConnectPtr c) {
        const auto network = find(c, *own);
        if (!network) return;
        if (const auto older = read_older(network.get(), *own)) drop_entry(network.get(), *own, *older, address);
    });
    folder_.drop(address);
}

std::vector<HostName> LibvirtNetworks::names() {
    connection_.call([own = own_](virConnectPtr c) { require(c, *own); });
    return folder_.read();
}

std::vector<Subnet> LibvirtNetworks::taken_subnets() {
    auto taken = connection_.call([own = own_](virConnectPtr c) { return subnets_of_others(c, *own); });
    for (const auto& subnet : subnets_of_host(instance_ + "-br")) taken.push_back(subnet);
    return taken;
}

}  // namespace drover
