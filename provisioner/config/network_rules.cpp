#include "config/network_rules.hpp"

#include <fmt/format.h>

namespace drover {
namespace {

/// The two addresses of a range that Value::address_range() let through.
std::pair<Address, Address> ends_of(const std::string& range) {
    const auto dash = range.find('-');
    return {parse_address(range.substr(0, dash)), parse_address(range.substr(dash + 1))};
}

void check_inside(const NetworkConfig& network, std::vector<std::string>& wrong) {
    const Subnet subnet = parse_subnet(network.cidr);
    const auto [first, last] = ends_of(network.range);
    const auto usable = [&](Address address) {
        return address.value > subnet.network.value && address.value < subnet.last().value + 1;
    };
    if (!usable(first) || !usable(last))
        wrong.push_back(fmt::format("range: {} is not inside {}", network.range, network.cidr));
    const Address gateway = parse_address(network.gateway), dns = parse_address(network.dns);
    if (!usable(gateway)) wrong.push_back(fmt::format("gateway: {} is not inside {}", network.gateway, network.cidr));
    for (const auto& [key, address] : {std::pair{"gateway", gateway}, std::pair{"dns", dns}})
        if (address >= first && address <= last)
            wrong.push_back(fmt::format("range: {} has the {} in it, {}", network.range, key, to_text(address)));
}

void check_bridged(const NetworkConfig& network, std::vector<std::string>& wrong) {
    const auto need = [&](const char* key, bool given) {
        if (!given) wrong.push_back(fmt::format("{}: missing, and mode bridge needs it", key));
    };
    need("bridge", !network.bridge.empty());
    need("cidr", network.cidr != "auto");
    need("gateway", !network.gateway.empty());
    need("dns", !network.dns.empty());
    need("range", !network.range.empty());
    if (wrong.empty()) check_inside(network, wrong);
}

void check_own(const NetworkConfig& network, std::vector<std::string>& wrong) {
    const auto refuse = [&](const char* key, bool given) {
        if (given)
            wrong.push_back(fmt::format("{}: only of mode bridge, and this one is {}", key, to_text(network.mode)));
    };
    refuse("bridge", !network.bridge.empty());
    refuse("vlan", network.vlan != 0);
    refuse("gateway", !network.gateway.empty());
    refuse("gateway6", !network.gateway6.empty());
    refuse("dns", !network.dns.empty());
    refuse("range", !network.range.empty());
}

bool is_link_local(const Address6& address) { return address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80; }

bool has_prefix(const NetworkConfig& network) { return network.cidr6 != "auto" && network.cidr6 != "none"; }

/// A chosen subnet is a /20.
Subnet shape_of(const NetworkConfig& network) {
    constexpr int chosen = 20;
    return network.cidr == "auto" ? Subnet{{0}, chosen} : parse_subnet(network.cidr);
}

}  // namespace

std::vector<std::string> wrong_in(const NetworkConfig& network) {
    std::vector<std::string> wrong;
    if (network.mode == NetworkMode::bridge)
        check_bridged(network, wrong);
    else
        check_own(network, wrong);
    if (has_prefix(network) && !parse_subnet6(network.cidr6).fits(shape_of(network)))
        wrong.push_back(
            fmt::format("cidr6: {} has not an address for each of the /{}", network.cidr6, shape_of(network).prefix));
    if (!network.gateway6.empty() && !has_prefix(network))
        wrong.push_back("gateway6: needs the prefix that it is in, cidr6");
    if (!network.gateway6.empty() && has_prefix(network) &&
        !parse_subnet6(network.cidr6).contains(parse_address6(network.gateway6)) &&
        !is_link_local(parse_address6(network.gateway6)))
        wrong.push_back(
            fmt::format("gateway6: {} is neither inside {} nor link-local", network.gateway6, network.cidr6));
    return wrong;
}

std::vector<std::string> wrong_between(const NetworkConfig& network, const NetworkConfig& other, bool is_default) {
    std::vector<std::string> wrong;
    const auto name = is_default ? "the default network" : "the network " + network.name;
    if (!is_default && network.name == other.name) wrong.push_back(fmt::format("name: '{}' twice", other.name));
    if (network.cidr != "auto" && other.cidr != "auto" && parse_subnet(network.cidr).overlaps(parse_subnet(other.cidr)))
        wrong.push_back(fmt::format("cidr: {} overlaps {}, {}", other.cidr, network.cidr, name));
    if (has_prefix(network) && has_prefix(other) && parse_subnet6(network.cidr6).overlaps(parse_subnet6(other.cidr6)))
        wrong.push_back(fmt::format("cidr6: {} overlaps {}, {}", other.cidr6, network.cidr6, name));
    return wrong;
}

std::string title_of(const Config& config, const NetworkConfig& network) {
    return &network == &config.network ? network.name : fmt::format("{}-{}", config.instance, network.name);
}

std::string bridge_of(const Config& config, const NetworkConfig& network) {
    if (network.mode == NetworkMode::bridge) return network.bridge;
    return &network == &config.network ? config.instance + "-br" : fmt::format("{}-{}", config.instance, network.name);
}

std::vector<const NetworkConfig*> all_networks(const Config& config) {
    std::vector<const NetworkConfig*> all{&config.network};
    for (const auto& network : config.networks) all.push_back(&network);
    return all;
}

}  // namespace drover
