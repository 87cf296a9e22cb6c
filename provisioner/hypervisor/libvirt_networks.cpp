#include "hypervisor/libvirt_networks.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <thread>

#include "hypervisor/handles.hpp"
#include "hypervisor/network_xml.hpp"
#include "hypervisor/ownership.hpp"
#include "hypervisor/subnets.hpp"
#include "model/failpoint.hpp"

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

// What runs, or with VIR_NETWORK_XML_INACTIVE what is defined; the one where the other is not, and of
// libvirt's test driver, which keeps them as one.
std::string describe(virNetworkPtr network, const Own& own, unsigned flags = 0) {
    const TextHandle text(virNetworkGetXMLDesc(network, own.is_played ? 0 : flags));
    if (!text) throw last_error("describe network " + own.name);
    return text.get();
}

// libvirt's test driver forgets what it was told of the DNS server, and has none.
bool has_folder(const std::string& xml, const Own& own) { return own.is_played || watches(xml, own.folders.names); }

bool is_fitted(const std::string& xml, const Own& own, const NetworkSpec& spec) {
    auto has = read_fittings(xml), wanted = fittings_of(spec, own.folders);
    if (own.is_played) has.options = wanted.options;
    return has == wanted;
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
    if (own.is_played || own.is_bridged || !is_active(network, own)) return std::nullopt;
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
    define(connection, own, to_xml(spec, own.name, own.uuid, own.folders));
}

// What is no part of its shape is as defined from its next start on: which is now, unless a guest would lose its line.
void refit(virConnectPtr connection, virNetworkPtr network, const Own& own, const NetworkSpec& spec, int guests) {
    const bool active = is_active(network, own);
    const bool runs_so = active && is_fitted(describe(network, own), own, spec);
    if (!is_fitted(describe(network, own, VIR_NETWORK_XML_INACTIVE), own, spec)) make(connection, own, spec);
    if (active && !runs_so && guests == 0 && virNetworkDestroy(network) < 0)
        throw last_error("stop network " + own.name);
}

// A network of another shape goes, unless a guest would lose its line.
NetworkHandle remake(virConnectPtr connection, NetworkHandle network, const Own& own, const NetworkSpec& spec) {
    const auto xml = describe(network.get(), own);
    const int guests = count_guests(network.get(), own);
    if (read_shape(xml) == shape_of(spec)) {
        refit(connection, network.get(), own, spec, guests);
        return network;
    }
    if (guests > 0)
        throw Error(ErrorKind::refused,
                    fmt::format("network {} cannot become {}: {} guests are plugged in", own.name, to_text(spec.subnet),
                                guests),
                    "stop them first, or keep cidr, bridge and network.domain as they were");
    stop_and_undefine(network.get(), own);
    make(connection, own, spec);
    return require(connection, own);
}

// An older libvirt starts such a network, and none of its guests.
void check_bridge(virConnectPtr connection, const NetworkSpec& spec) {
    constexpr unsigned long tags_on_bridges = 11'000'000;
    unsigned long version = 0;
    if (!std::filesystem::is_directory("/sys/class/net/" + spec.bridge_name() + "/bridge"))
        throw Error(ErrorKind::refused, fmt::format("this host has no bridge '{}'", spec.bridge_name()),
                    "make it, or name another one in the configuration: bridge");
    if (spec.vlan != 0 && (virConnectGetLibVersion(connection, &version) < 0 || version < tags_on_bridges))
        throw Error(ErrorKind::refused,
                    fmt::format("VLAN {} on {}: libvirt puts tags on a Linux bridge since 11.0 and this is {}.{}",
                                spec.vlan, spec.bridge_name(), version / 1'000'000, version / 1000 % 1000),
                    "a bridge of the host's own in that VLAN, without vlan in the configuration, does the same");
}

// libvirt ends a former DNS server without waiting for its end: for a moment the address may still be its. False:
// somebody else was quicker.
bool start(virNetworkPtr network, const Own& own) {
    for (int tries = 20;; --tries) {
        if (virNetworkCreate(network) == 0) return true;
        const auto error = last_error("start network " + own.name);
        if (is_active(network, own)) return false;
        const bool may_pass = std::string_view(error.what()).find("already in use") != std::string_view::npos;
        if (tries == 0 || !may_pass) throw Error(error);
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
}

bool ensure_network(virConnectPtr connection, const Own& own, const NetworkSpec& spec) {
    if (spec.mode == NetworkMode::bridge && !own.is_played) check_bridge(connection, spec);
    auto network = find(connection, own);
    if (!network) make(connection, own, spec);
    network = network ? remake(connection, std::move(network), own, spec) : require(connection, own);
    failpoint("network.defined");
    if (is_active(network.get(), own)) {
        if (!own.is_bridged) revive_dns(network.get(), own, spec);
        return false;
    }
    return start(network.get(), own);
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
                                 const Place& place)
    : connection_(connection),
      instance_(std::move(instance)),
      folder_(place.folders.names, place.folders.reservations),
      is_keeper_(place.network.empty()),
      own_(std::make_shared<OwnNetwork>(OwnNetwork{
          place.title, derived_uuid(registry, place.network.empty() ? "network" : "network/" + place.network),
          place.folders, connection.uri().starts_with("test"), place.mode == NetworkMode::bridge})) {}

bool LibvirtNetworks::ensure(const NetworkSpec& spec) {
    folder_.make();
    return connection_.call([own = own_, spec](virConnectPtr c) { return ensure_network(c, *own, spec); });
}

void LibvirtNetworks::remove() {
    connection_.call([own = own_](virConnectPtr c) {
        if (const auto network = find(c, *own)) stop_and_undefine(network.get(), *own);
    });
    if (is_keeper_) folder_.remove();
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
    for (const auto& subnet : subnets_of_host(instance_ + "-")) taken.push_back(subnet);
    return taken;
}

}  // namespace drover
