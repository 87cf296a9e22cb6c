#include "hypervisor/subnets.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string_view>

#include "hypervisor/networks.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

constexpr int own_prefix = 20;
constexpr int widest_prefix = 8;

// Private ranges in the order in which they are tried: least used by others first.
constexpr std::array ranges{Subnet{{0x0a400000}, 10}, Subnet{{0xac100000}, 12}, Subnet{{0xc0a80000}, 16}};

struct FreeInterfaces {
    void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

bool is_left_out(std::string_view interface, std::string_view except) {
    return !except.empty() && interface.starts_with(except);
}

Subnet subnet_around(std::uint32_t address, std::uint32_t mask) { return {{address & mask}, std::popcount(mask)}; }

std::uint32_t value_of(const sockaddr* address) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

std::vector<Subnet> subnets_of_interfaces(std::string_view except) {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) < 0)
        throw Error(ErrorKind::failed, fmt::format("read the addresses of this host: {}", std::strerror(errno)));
    const std::unique_ptr<ifaddrs, FreeInterfaces> owned(list);
    std::vector<Subnet> subnets;
    for (const auto* one = list; one != nullptr; one = one->ifa_next) {
        const bool is_ipv4 =
            one->ifa_addr != nullptr && one->ifa_netmask != nullptr && one->ifa_addr->sa_family == AF_INET;
        if (is_ipv4 && !is_left_out(one->ifa_name, except))
            subnets.push_back(subnet_around(value_of(one->ifa_addr), value_of(one->ifa_netmask)));
    }
    return subnets;
}

}  // namespace

Subnet free_subnet(const std::vector<Subnet>& taken) {
    for (const auto& range : ranges) {
        const std::uint32_t step = 1U << (32 - own_prefix), end = range.network.value + (1U << (32 - range.prefix));
        for (auto network = range.network.value; network != end; network += step) {
            const Subnet candidate{{network}, own_prefix};
            const auto overlaps = [&](const Subnet& other) { return candidate.overlaps(other); };
            if (std::none_of(taken.begin(), taken.end(), overlaps)) return candidate;
        }
    }
    throw Error(ErrorKind::refused, "no private /20 is free on this host",
                "name one in the configuration: network.cidr");
}

std::vector<Subnet> subnets_in_routes(const std::string& text, std::string_view except) {
    std::istringstream lines(text);
    std::string line;
    std::getline(lines, line);  // the heading
    std::vector<Subnet> subnets;
    while (std::getline(lines, line)) {
        std::istringstream fields(line);
        std::string interface, gateway, flags, references, uses, metric;
        std::uint32_t destination = 0, mask = 0;
        fields >> interface >> std::hex >> destination >> gateway >> flags >> references >> uses >> metric >> mask;
        if (!fields)
            throw Error(ErrorKind::failed, fmt::format("/proc/net/route has a line of no known form: {}", line));
        const auto subnet = subnet_around(ntohl(destination), ntohl(mask));
        if (!is_left_out(interface, except) && subnet.prefix >= widest_prefix) subnets.push_back(subnet);
    }
    return subnets;
}

std::vector<Subnet> subnets_of_host(std::string_view except) {
    auto subnets = subnets_of_interfaces(except);
    std::ifstream file("/proc/net/route");
    std::ostringstream text;
    text << file.rdbuf();
    // A kernel without IPv4 has no such file, and no routes.
    if (file) std::ranges::move(subnets_in_routes(text.str(), except), std::back_inserter(subnets));
    std::ranges::sort(subnets);
    subnets.erase(std::unique(subnets.begin(), subnets.end()), subnets.end());
    return subnets;
}

}  // namespace drover
