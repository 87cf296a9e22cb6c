#include "network/frr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>
#include <utility>

namespace drover {
namespace {

bool is_v6(const std::string& address) { return address.find(':') != std::string::npos; }

/// A context, and what is said in it.
using Section = std::pair<std::string, std::vector<std::string>>;

std::string written(const std::vector<Section>& sections) {
    std::string text;
    for (const auto& [context, lines] : sections) {
        text += context + "\n";
        for (const auto& line : lines) text += " " + line + "\n";
        text += "exit\n";
    }
    return text;
}

std::vector<Section> ospf(const RoutingPolicy& policy, const std::vector<Announced>& networks) {
    const bool any6 = std::any_of(networks.begin(), networks.end(), [](const auto& one) { return one.prefix6; });
    const auto area = "ip ospf area " + policy.area, area6 = "ipv6 ospf6 area " + policy.area;
    std::vector<Section> sections{{"router ospf", {}}};
    if (any6) sections.push_back({"router ospf6", {}});
    for (const auto& name : policy.interfaces) {
        sections.push_back({"interface " + name, {area}});
        if (any6) sections.back().second.push_back(area6);
    }
    for (const Announced& network : networks) {
        sections.push_back({"interface " + network.bridge, {area, "ip ospf passive"}});
        auto& lines = sections.back().second;
        if (network.prefix6) lines.insert(lines.end(), {area6, "ipv6 ospf6 passive"});
    }
    return sections;
}

/// What is announced of one family, to those neighbours that speak it.
void add_family(std::vector<std::string>& lines, const RoutingPolicy& policy, const std::string& family,
                const std::vector<std::string>& prefixes) {
    if (prefixes.empty()) return;
    lines.push_back(fmt::format("address-family {} unicast", family));
    for (const auto& prefix : prefixes) lines.push_back(" network " + prefix);
    for (const Neighbour& other : policy.neighbours)
        if (is_v6(other.address) == (family == "ipv6"))
            lines.push_back(fmt::format(" neighbor {} activate", other.address));
    lines.emplace_back("exit-address-family");
}

/// Prefixes of both families.
std::array<std::vector<std::string>, 2> prefixes_of(const std::vector<Announced>& networks) {
    std::array<std::vector<std::string>, 2> prefixes;
    for (const Announced& network : networks) {
        prefixes[0].push_back(network.prefix);
        if (network.prefix6) prefixes[1].push_back(*network.prefix6);
    }
    return prefixes;
}

// RFC 8212 has FRR tell nothing to a neighbour that no policy is about; only what `network` names is told here.
std::vector<Section> bgp(const RoutingPolicy& policy, const std::vector<Announced>& networks) {
    std::vector<std::string> lines{"no bgp ebgp-requires-policy"};
    for (const Neighbour& other : policy.neighbours)
        lines.push_back(fmt::format("neighbor {} remote-as {}", other.address, other.asn));
    const auto [prefixes4, prefixes6] = prefixes_of(networks);
    add_family(lines, policy, "ipv4", prefixes4);
    add_family(lines, policy, "ipv6", prefixes6);
    return {{fmt::format("router bgp {}", policy.asn), lines}};
}

std::string trimmed(std::string line) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
    line.erase(0, std::min(line.find_first_not_of(' '), line.size()));
    return line;
}

/// Each line under the one that it stands in: "interface x / ip ospf area 0".
std::vector<std::string> placed(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    std::string line, context;
    while (std::getline(stream, line)) {
        const bool inside = line.starts_with(" ");
        line = trimmed(line);
        if (line.empty() || line == "!" || line.starts_with("exit")) continue;
        if (!inside) context = line;
        lines.push_back(inside ? context + " / " + line : line);
    }
    return lines;
}

/// FRR leaves out what goes without saying.
bool is_shown(const std::string& line) { return !line.ends_with(" activate"); }

}  // namespace

std::string announcement(const RoutingPolicy& policy, const std::vector<Announced>& networks) {
    if (networks.empty()) return "";
    switch (policy.protocol) {
        case RoutingProtocol::ospf: return written(ospf(policy, networks));
        case RoutingProtocol::bgp: return written(bgp(policy, networks));
        case RoutingProtocol::none: break;
    }
    return "";
}

std::vector<std::string> missing_in(const std::string& running, const std::string& announcement) {
    const auto there = placed(running);
    const std::set<std::string> known(there.begin(), there.end());
    std::vector<std::string> missing;
    for (auto& line : placed(announcement))
        if (is_shown(line) && !known.contains(line)) missing.push_back(std::move(line));
    return missing;
}

}  // namespace drover
