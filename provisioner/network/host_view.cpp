#include "network/host_view.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <set>
#include <sstream>

#include "model/error.hpp"

namespace drover {
namespace {

std::string text_of(const char* path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::vector<std::vector<std::string>> lines_of(const char* path) {
    std::vector<std::vector<std::string>> lines;
    std::istringstream text(text_of(path));
    for (std::string line; std::getline(text, line);) {
        std::istringstream words(line);
        auto& fields = lines.emplace_back();
        for (std::string word; words >> word;) fields.push_back(word);
    }
    return lines;
}

std::uint32_t hex(std::string_view digits) {
    std::uint32_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

/// Interface, destination, gateway, flags, references, uses, metric, mask; a heading. Halves of everything are a VPN's
/// default route.
void read_routes(const std::string& except, HostView& view, std::set<std::string>& ways_out) {
    for (const auto& fields : lines_of("/proc/net/route")) {
        if (fields.size() < 8 || fields[0] == "Iface" || fields[0].starts_with(except)) continue;
        const std::uint32_t mask = ntohl(hex(fields[7]));
        const Subnet subnet{{ntohl(hex(fields[1])) & mask}, std::popcount(mask)};
        if (subnet.prefix == 0) ways_out.insert(fields[0]);
        if (subnet.prefix >= 8) view.subnets.push_back({subnet, "a route of this host through " + fields[0]});
    }
}

/// Destination, its prefix length, source, its prefix length, next hop, metric, references, uses, flags, interface.
void read_routes6(const std::string& except, HostView& view) {
    for (const auto& fields : lines_of("/proc/net/ipv6_route")) {
        if (fields.size() < 10 || fields[9] == "lo" || fields[9].starts_with(except) || fields[0].size() != 32)
            continue;
        Subnet6 subnet;
        for (std::size_t i = 0; i < 16; ++i)
            subnet.network.bytes[i] = static_cast<std::uint8_t>(hex(std::string_view(fields[0]).substr(2 * i, 2)));
        subnet.prefix = static_cast<int>(hex(fields[1]));
        const auto first = subnet.network.bytes[0];
        if (subnet.prefix >= 16 && first != 0xfe && first != 0xff)
            view.subnets6.push_back({subnet, "a route of this host through " + fields[9]});
    }
}

void read_addresses(const std::string& except, const std::set<std::string>& ways_out, HostView& view) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) < 0) return;
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(list, freeifaddrs);
    for (const auto* one = list; one != nullptr; one = one->ifa_next) {
        const std::string name = one->ifa_name;
        if (one->ifa_addr == nullptr || one->ifa_addr->sa_family != AF_INET || name.starts_with(except)) continue;
        const Address address{ntohl(reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr.s_addr)};
        const auto* more = ways_out.contains(name) ? ", through which this host is reached" : "";
        view.own.push_back({address, fmt::format("the address of {}{}", name, more)});
    }
}

/// Connections: number, local address:port, remote address:port, state 01 for established.
void read_ssh_peers(HostView& view) {
    constexpr std::string_view mapped = "0000000000000000FFFF0000";
    for (const auto* path : {"/proc/net/tcp", "/proc/net/tcp6"}) {
        for (const auto& fields : lines_of(path)) {
            if (fields.size() < 4 || !fields[1].ends_with(":0016") || fields[3] != "01") continue;
            std::string_view remote = fields[2];
            remote = remote.substr(0, remote.find(':'));
            if (remote.starts_with(mapped)) remote.remove_prefix(mapped.size());
            if (remote.size() == 8) view.own.push_back({{ntohl(hex(remote))}, "somebody's who is here by ssh"});
        }
    }
}

bool is_there(const std::string& interface) {
    std::error_code error;
    return std::filesystem::exists("/sys/class/net/" + interface, error);
}

}  // namespace

HostView look_at_host(const std::string& except) {
    HostView view;
    std::set<std::string> ways_out;
    read_routes(except, view, ways_out);
    read_routes6(except, view);
    read_addresses(except, ways_out, view);
    read_ssh_peers(view);
    return view;
}

std::string conflict(const HostView& host, const Network& network) {
    const bool is_own = network.is_own();
    for (const auto& own : host.own) {
        const bool hit =
            is_own ? network.subnet.contains(own.address) : own.address >= network.first && own.address <= network.last;
        if (hit)
            return fmt::format(
                "{} covers {}, {}: it would cut this host off",
                is_own ? to_text(network.subnet) : fmt::format("{}-{}", to_text(network.first), to_text(network.last)),
                to_text(own.address), own.what);
    }
    if (!is_own) return "";
    for (const auto& taken : host.subnets)
        if (network.subnet.overlaps(taken.subnet))
            return fmt::format("{} overlaps {}, {}", to_text(network.subnet), to_text(taken.subnet), taken.what);
    for (const auto& taken : host.subnets6)
        if (network.subnet6 && network.subnet6->overlaps(taken.subnet))
            return fmt::format("{} overlaps {}, {}", to_text(*network.subnet6), to_text(taken.subnet), taken.what);
    return "";
}

void check_against_host(const NetworkPlan& plan, const std::string& instance,
                        const std::function<void(const std::string&)>& warn) {
    const HostView host = look_at_host(instance + "-");
    std::vector<std::string> refused;
    for (const auto& network : plan.all()) {
        const auto why = conflict(host, network);
        if (why.empty()) continue;
        const auto text = fmt::format("the network '{}': {}", shown_network(network.name), why);
        if (network.is_own() && is_there(network.bridge))
            warn(text);
        else
            refused.push_back(text);
    }
    if (refused.empty()) return;
    throw Error(ErrorKind::refused, fmt::format("{}", fmt::join(refused, "; ")),
                "give it another subnet in the configuration: cidr, cidr6");
}

std::vector<std::string> conflicts_here(const Config& config) {
    const HostView host = look_at_host(config.instance + "-");
    std::vector<std::string> found;
    for (const auto* from : all_networks(config)) {
        if (from->cidr == "auto" && (from->cidr6 == "auto" || from->cidr6 == "none")) continue;
        constexpr Subnet nothing{{0xffffffff}, 32};
        Network network = from->cidr == "auto" ? Network{} : network_of(parse_subnet(from->cidr));
        if (from->cidr == "auto") network.subnet = nothing;
        network.mode = from->mode;
        if (from->cidr6 != "auto" && from->cidr6 != "none") network.subnet6 = parse_subnet6(from->cidr6);
        if (!network.is_own()) {
            const auto dash = from->range.find('-');
            network.first = parse_address(from->range.substr(0, dash));
            network.last = parse_address(from->range.substr(dash + 1));
        }
        const bool is_default = from == &config.network;
        if (const auto why = conflict(host, network); !why.empty())
            found.push_back(fmt::format("{}: {}", is_default ? "network" : "networks[] " + from->name, why));
    }
    return found;
}

}  // namespace drover
