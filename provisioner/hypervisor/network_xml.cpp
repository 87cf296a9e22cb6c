#include "hypervisor/network_xml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "hypervisor/ownership.hpp"
#include "hypervisor/xml.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

using pugi::xml_node;
using xml::add;

void add_host(xml_node parent, const HostName& host, const std::string& domain) {
    auto node = add(parent, "host", {{"ip", to_text(host.address)}});
    add(node, "hostname", {}, host.name);
    add(node, "hostname", {}, fmt::format("{}.{}", host.name, domain));
}

// Networks of other people may have IPv6 addresses, or none.
std::optional<Subnet> subnet_of(xml_node ip) {
    const std::string family = ip.attribute("family").as_string("ipv4");
    if (family != "ipv4" || ip.attribute("address").empty()) return std::nullopt;
    const auto address = parse_address(ip.attribute("address").value());
    int prefix = ip.attribute("prefix").as_int(24);
    if (!ip.attribute("netmask").empty()) prefix = std::popcount(parse_address(ip.attribute("netmask").value()).value);
    if (prefix < 1 || prefix > 32) return std::nullopt;
    Subnet subnet{address, prefix};
    subnet.network.value &= subnet.netmask().value;
    return subnet;
}

constexpr const char* options_namespace = "http://libvirt.org/schemas/network/dnsmasq/1.0";
// libvirt makes no rules of its own then: network/ruleset.hpp has them all.
constexpr const char* open_mode = "open";
constexpr std::string_view folder_option = "hostsdir=";

// libvirt writes the prefix that it is usually given, whatever it was given.
xml_node options_of(xml_node network) { return network.child("dnsmasq:options"); }

const char* forward_of(NetworkMode mode) { return mode == NetworkMode::bridge ? "bridge" : open_mode; }

// Reservations alone, of which there is nothing to remember. libvirt gives an IPv6 network without DHCP a SLAAC, so it
// gets one with a reservation for nobody.
constexpr const char* nobody = "00:04:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00";

void add_address6(xml_node network, const Subnet6& subnet) {
    const auto gateway = to_text(subnet.gateway());
    auto ip = add(network, "ip", {{"family", "ipv6"}, {"address", gateway}, {"prefix", fmt::to_string(subnet.prefix)}});
    add(add(ip, "dhcp"), "host", {{"id", nobody}, {"ip", gateway}});
}

void add_options(xml_node network, const std::set<std::string>& values) {
    network.append_attribute("xmlns:dnsmasq").set_value(options_namespace);
    const auto options = add(network, "dnsmasq:options");
    for (const auto& value : values) add(options, "dnsmasq:option", {{"value", value}});
}

void add_own_parts(xml_node network, const NetworkSpec& spec, const NetworkFolders& folders) {
    add(network, "bridge", {{"name", spec.bridge_name()}, {"stp", "off"}, {"delay", "0"}});
    // localOnly: a name of this domain that is not known here is not asked for outside.
    add(network, "domain", {{"name", spec.domain}, {"localOnly", "yes"}});
    add_host(add(network, "dns"), gateway_name(spec.subnet), spec.domain);
    add(network, "ip", {{"address", to_text(spec.subnet.gateway())}, {"netmask", to_text(spec.subnet.netmask())}});
    if (spec.subnet6) add_address6(network, *spec.subnet6);
    add_options(network, fittings_of(spec, folders).options);
}

xml_node network_in(const pugi::xml_document& document) { return document.child("network"); }

}  // namespace

std::string to_xml(const NetworkSpec& spec, const std::string& name, const std::string& uuid,
                   const NetworkFolders& folders) {
    pugi::xml_document document;
    auto network = add(document.root(), "network");
    add(network, "name", {}, name);
    add(network, "uuid", {}, uuid);
    add(network, "forward", {{"mode", forward_of(spec.mode)}});
    if (spec.mode != NetworkMode::bridge) {
        add_own_parts(network, spec, folders);
    } else {
        add(network, "bridge", {{"name", spec.bridge_name()}});
        if (spec.vlan != 0) add(add(network, "vlan"), "tag", {{"id", fmt::to_string(spec.vlan)}});
    }
    return xml::print(document.document_element());
}

NetworkFittings fittings_of(const NetworkSpec& spec, const NetworkFolders& folders) {
    NetworkFittings fittings{forward_of(spec.mode), {}, {}};
    if (spec.mode == NetworkMode::bridge) return fittings;
    if (spec.subnet6) fittings.address6 = fmt::format("{}/{}", to_text(spec.subnet6->gateway()), spec.subnet6->prefix);
    fittings.options = {
        fmt::format("{}{}", folder_option, folders.names), fmt::format("dhcp-hostsdir={}", folders.reservations),
        fmt::format("dhcp-range={},static,{},infinite", to_text(spec.subnet.network), to_text(spec.subnet.netmask())),
        "leasefile-ro"};
    // Nothing of it reaches the outside, its questions neither.
    if (spec.mode == NetworkMode::isolated) fittings.options.insert("no-resolv");
    return fittings;
}

NetworkFittings read_fittings(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    const auto network = network_in(document);
    NetworkFittings fittings{network.child("forward").attribute("mode").value(), {}, {}};
    for (const auto ip : network.children("ip"))
        if (ip.attribute("family").as_string() == std::string_view("ipv6"))
            fittings.address6 = fmt::format("{}/{}", ip.attribute("address").value(), ip.attribute("prefix").value());
    for (const auto option : options_of(network).children("dnsmasq:option"))
        fittings.options.insert(option.attribute("value").value());
    return fittings;
}

NetworkSpec spec_of(const Network& network, const std::string& instance, const std::string& registry) {
    return {.instance = instance,
            .registry = registry,
            .subnet = network.subnet,
            .domain = network.domain,
            .mode = network.mode,
            .bridge = network.bridge,
            .vlan = network.vlan,
            .subnet6 = network.subnet6};
}

NetworkShape shape_of(const NetworkSpec& spec) {
    if (spec.mode == NetworkMode::bridge) return {spec.bridge_name(), "", std::nullopt};
    return {spec.bridge_name(), spec.domain, spec.subnet};
}

NetworkShape read_shape(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    const auto network = network_in(document);
    return {network.child("bridge").attribute("name").value(), network.child("domain").attribute("name").value(),
            subnet_of(network.child("ip"))};
}

bool watches(const std::string& xml, const std::string& folder) {
    const auto document = xml::parse(xml, "the network's XML");
    const auto options = options_of(network_in(document)).children("dnsmasq:option");
    return std::any_of(options.begin(), options.end(), [&](xml_node option) {
        return option.attribute("value").value() == fmt::format("{}{}", folder_option, folder);
    });
}

std::vector<Subnet> read_subnets(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    std::vector<Subnet> subnets;
    for (const auto* part : {"ip", "route"})
        for (const auto node : network_in(document).children(part))
            if (const auto subnet = subnet_of(node)) subnets.push_back(*subnet);
    return subnets;
}

std::string host_xml(const HostName& host, const std::string& domain) {
    pugi::xml_document document;
    add_host(document.root(), host, domain);
    return xml::print(document.document_element());
}

std::string address_xml(Address address) {
    pugi::xml_document document;
    add(document.root(), "host", {{"ip", to_text(address)}});
    return xml::print(document.document_element());
}

HostName gateway_name(const Subnet& subnet) { return {subnet.gateway(), "gateway"}; }

std::vector<HostName> read_names(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    std::vector<HostName> names;
    for (const auto host : network_in(document).child("dns").children("host"))
        if (const std::string ip = host.attribute("ip").value(); ip.find(':') == std::string::npos)
            names.push_back({parse_address(ip), host.child("hostname").text().get()});
    return names;
}

}  // namespace drover
