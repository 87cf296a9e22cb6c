#include "hypervisor/network_xml.hpp"

#include <fmt/format.h>

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

xml_node network_in(const pugi::xml_document& document) { return document.child("network"); }

}  // namespace

std::string to_xml(const NetworkSpec& spec, const std::string& name) {
    pugi::xml_document document;
    auto network = add(document.root(), "network");
    add(network, "name", {}, name);
    add(network, "uuid", {}, derived_uuid(spec.registry, "network"));
    add(network, "forward", {{"mode", "nat"}});
    add(network, "bridge", {{"name", spec.instance + "-br"}, {"stp", "off"}, {"delay", "0"}});
    // localOnly: a name of this domain that is not known here is not asked for outside.
    add(network, "domain", {{"name", spec.domain}, {"localOnly", "yes"}});
    add_host(add(network, "dns"), gateway_name(spec.subnet), spec.domain);
    add(network, "ip", {{"address", to_text(spec.subnet.gateway())}, {"netmask", to_text(spec.subnet.netmask())}});
    return xml::print(document.document_element());
}

NetworkShape shape_of(const NetworkSpec& spec) { return {spec.instance + "-br", spec.domain, spec.subnet}; }

NetworkShape read_shape(const std::string& xml) {
    const auto document = xml::parse(xml, "the network's XML");
    const auto network = network_in(document);
    return {network.child("bridge").attribute("name").value(), network.child("domain").attribute("name").value(),
            subnet_of(network.child("ip"))};
}

int read_connections(const std::string& xml) {
    return network_in(xml::parse(xml, "the network's XML")).attribute("connections").as_int(0);
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
