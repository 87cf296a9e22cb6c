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

void add_folder(xml_node network, const std::string& folder) {
    if (network.attribute("xmlns:dnsmasq").empty())
        network.append_attribute("xmlns:dnsmasq").set_value(options_namespace);
    const auto options = options_of(network);
    add(options ? options : add(network, "dnsmasq:options"), "dnsmasq:option",
        {{"value", fmt::format("{}{}", folder_option, folder)}});
}

// An older folder of ours: that of a state folder which was moved.
bool is_folder_like(xml_node option, std::string_view folder) {
    const std::string_view value = option.attribute("value").value();
    return value.starts_with(folder_option) && value.ends_with(folder.substr(folder.rfind('/')));
}

xml_node network_in(const pugi::xml_document& document) { return document.child("network"); }

}  // namespace

std::string to_xml(const NetworkSpec& spec, const std::string& name, const std::string& folder) {
    pugi::xml_document document;
    auto network = add(document.root(), "network");
    add(network, "name", {}, name);
    add(network, "uuid", {}, derived_uuid(spec.registry, "network"));
    add(network, "forward", {{"mode", open_mode}});
    add(network, "bridge", {{"name", spec.instance + "-br"}, {"stp", "off"}, {"delay", "0"}});
    // localOnly: a name of this domain that is not known here is not asked for outside.
    add(network, "domain", {{"name", spec.domain}, {"localOnly", "yes"}});
    add_host(add(network, "dns"), gateway_name(spec.subnet), spec.domain);
    add(network, "ip", {{"address", to_text(spec.subnet.gateway())}, {"netmask", to_text(spec.subnet.netmask())}});
    add_folder(network, folder);
    return xml::print(document.document_element());
}

NetworkShape shape_of(const NetworkSpec& spec) { return {spec.instance + "-br", spec.domain, spec.subnet}; }

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

bool is_open(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    return network_in(document).child("forward").attribute("mode").value() == std::string_view(open_mode);
}

std::string brought_up_to_date(const std::string& xml, const std::string& folder) {
    const auto document = xml::parse(xml, "the network's XML");
    auto network = network_in(document);
    const auto remove_if = [](xml_node parent, const char* name, const auto& goes) {
        for (auto node = parent.child(name); node;) {
            const auto next = node.next_sibling(name);
            if (goes(node)) parent.remove_child(node);
            node = next;
        }
    };
    const std::string gateway = network.child("ip").attribute("address").value();
    remove_if(network.child("dns"), "host", [&](xml_node host) { return host.attribute("ip").value() != gateway; });
    remove_if(options_of(network), "dnsmasq:option", [&](xml_node it) { return is_folder_like(it, folder); });
    add_folder(network, folder);
    auto forward = network.child("forward");
    if (!forward) forward = add(network, "forward");
    while (forward.first_child()) forward.remove_child(forward.first_child());
    while (forward.first_attribute()) forward.remove_attribute(forward.first_attribute());
    forward.append_attribute("mode") = open_mode;
    return xml::print(network);
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
