#include "hypervisor/libvirt_networks.hpp"

#include <fmt/format.h>
#include <libvirt/virterror.h>

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "hypervisor/handles.hpp"
#include "hypervisor/network_xml.hpp"
#include "hypervisor/ownership.hpp"
#include "hypervisor/subnets.hpp"
#include "model/sync.hpp"

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

/// A network is there twice: as it is defined and as it runs. Each is read and changed for itself, so that a change of
/// which only one half was done is completed by the next.
struct Half {
    unsigned describe, update;
};
constexpr Half defined{VIR_NETWORK_XML_INACTIVE, VIR_NETWORK_UPDATE_AFFECT_CONFIG};
constexpr Half live{0, VIR_NETWORK_UPDATE_AFFECT_LIVE};

std::vector<Half> halves_of(virNetworkPtr network, const Own& own) {
    if (own.has_one_half) return {live};
    return is_active(network, own) ? std::vector{defined, live} : std::vector{defined};
}

// What runs; what is defined where nothing runs.
std::string describe(virNetworkPtr network, const Own& own, const Half& half = live) {
    const TextHandle text(virNetworkGetXMLDesc(network, half.describe));
    if (!text) throw last_error("describe network " + own.name);
    return text.get();
}

void stop_and_undefine(virNetworkPtr network, const Own& own) {
    if (is_active(network, own) && virNetworkDestroy(network) < 0) throw last_error("stop network " + own.name);
    if (virNetworkUndefine(network) < 0 && last_code() != VIR_ERR_NO_NETWORK)
        throw last_error("remove network " + own.name);
}

// False: it cannot be done just so; the reason is found by looking.
bool try_entry(virNetworkPtr network, const Half& half, const std::string& xml, virNetworkUpdateCommand command) {
    return virNetworkUpdate(network, command, VIR_NETWORK_SECTION_DNS_HOST, -1, xml.c_str(), half.update) == 0;
}

void add_entry(virNetworkPtr network, const Own& own, const Half& half, const HostName& host,
               const std::string& domain) {
    if (virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, VIR_NETWORK_SECTION_DNS_HOST, -1,
                         host_xml(host, domain).c_str(), half.update) < 0)
        throw last_error(fmt::format("name {} in network {}", host.name, own.name));
}

void remove_entry(virNetworkPtr network, const Own& own, const Half& half, Address address) {
    if (virNetworkUpdate(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, VIR_NETWORK_SECTION_DNS_HOST, -1,
                         address_xml(address).c_str(), half.update) < 0)
        throw last_error(fmt::format("forget {} in network {}", to_text(address), own.name));
}

// What stands in the way of `host` goes; nothing happens when it is there already.
void put_entry(virNetworkPtr network, const Own& own, const Half& half, const HostName& host) {
    const auto xml = describe(network, own, half);
    const auto names = read_names(xml);
    if (std::find(names.begin(), names.end(), host) != names.end()) return;
    for (const auto& other : names)
        if (other.address == host.address || other.name == host.name) remove_entry(network, own, half, other.address);
    add_entry(network, own, half, host, read_shape(xml).domain);
}

void drop_entry(virNetworkPtr network, const Own& own, const Half& half, Address address) {
    for (const auto& host : read_names(describe(network, own, half)))
        if (host.address == address) return remove_entry(network, own, half, address);
}

// libvirt looks after its dnsmasq only when it has something to tell it: so it is told the gateway's name anew.
void revive_dns(virNetworkPtr network, const Own& own, const NetworkSpec& spec) {
    const auto gateway = gateway_name(spec.subnet);
    drop_entry(network, own, live, gateway.address);
    add_entry(network, own, live, gateway, spec.domain);
}

void make(virConnectPtr connection, const Own& own, const NetworkSpec& spec) {
    const NetworkHandle network(virNetworkDefineXML(connection, to_xml(spec, own.name).c_str()));
    if (!network) throw last_error("define network " + own.name);
}

// A network of another shape goes, unless a guest would lose its line.
NetworkHandle remake(virConnectPtr connection, NetworkHandle network, const Own& own, const NetworkSpec& spec) {
    const auto xml = describe(network.get(), own);
    if (read_shape(xml) == shape_of(spec)) return network;
    if (const int guests = read_connections(xml); guests > 0)
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

std::vector<HostName> read_entries(virConnectPtr connection, const Own& own) {
    const auto network = require(connection, own);
    const auto xml = describe(network.get(), own);
    auto names = read_names(xml);
    if (const auto subnet = read_shape(xml).subnet) std::erase(names, gateway_name(*subnet));
    return names;
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

/// What the network answers as far as we know, so that a name can be added without reading the whole network, which
/// takes the longer the more names there are. What others change is seen when all names are read.
struct LibvirtNetworks::Entries {
    struct Known {
        std::string domain;
        std::optional<std::unordered_map<std::string, Address>> names;  ///< nothing until they were read
    };
    Synchronized<Known> known;

    /// The network's domain when nothing is known to stand in the way of `host`. An older entry of its address is no
    /// matter: libvirt refuses a second one.
    std::optional<std::string> domain_for(const HostName& host) {
        auto held = known.lock();
        if (!held->names || held->domain.empty() || held->names->contains(host.name)) return std::nullopt;
        return held->domain;
    }
    void added(const HostName& host) {
        auto held = known.lock();
        if (held->names) held->names->insert_or_assign(host.name, host.address);
    }
    void removed(Address address) {
        auto held = known.lock();
        if (held->names) std::erase_if(*held->names, [&](const auto& entry) { return entry.second == address; });
    }
    void read(const std::vector<HostName>& all) {
        auto held = known.lock();
        held->names.emplace();
        for (const auto& host : all) held->names->emplace(host.name, host.address);
    }
};

LibvirtNetworks::LibvirtNetworks(Connection& connection, std::string instance, const std::string& registry,
                                 std::string name)
    : connection_(connection),
      instance_(std::move(instance)),
      entries_(std::make_shared<Entries>()),
      own_(std::make_shared<OwnNetwork>(
          OwnNetwork{std::move(name), derived_uuid(registry, "network"), connection.uri().starts_with("test")})) {}

void LibvirtNetworks::ensure(const NetworkSpec& spec) {
    connection_.call([own = own_, spec](virConnectPtr c) { ensure_network(c, *own, spec); });
    entries_->known.lock()->domain = spec.domain;
}

void LibvirtNetworks::remove() {
    connection_.call([own = own_](virConnectPtr c) {
        if (const auto network = find(c, *own)) stop_and_undefine(network.get(), *own);
    });
}

void LibvirtNetworks::add_name(const HostName& host) {
    connection_.call([own = own_, host, domain = entries_->domain_for(host)](virConnectPtr c) {
        const auto network = require(c, *own);
        for (const auto& half : halves_of(network.get(), *own)) {
            if (domain && try_entry(network.get(), half, host_xml(host, *domain), VIR_NETWORK_UPDATE_COMMAND_ADD_LAST))
                continue;
            put_entry(network.get(), *own, half, host);
        }
    });
    entries_->added(host);
}

void LibvirtNetworks::remove_name(Address address) {
    connection_.call([own = own_, address](virConnectPtr c) {
        const auto network = find(c, *own);
        if (!network) return;
        for (const auto& half : halves_of(network.get(), *own)) {
            if (try_entry(network.get(), half, address_xml(address), VIR_NETWORK_UPDATE_COMMAND_DELETE)) continue;
            drop_entry(network.get(), *own, half, address);
        }
    });
    entries_->removed(address);
}

std::vector<HostName> LibvirtNetworks::names() {
    auto names = connection_.call([own = own_](virConnectPtr c) { return read_entries(c, *own); });
    entries_->read(names);
    return names;
}

std::vector<Subnet> LibvirtNetworks::taken_subnets() {
    auto taken = connection_.call([own = own_](virConnectPtr c) { return subnets_of_others(c, *own); });
    for (const auto& subnet : subnets_of_host(instance_ + "-br")) taken.push_back(subnet);
    return taken;
}

}  // namespace drover
