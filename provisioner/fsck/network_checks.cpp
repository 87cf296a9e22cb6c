#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "fsck/checks.hpp"

namespace drover::fsck {
namespace {

/// "10.77.0.9 ghost-1 ghost-1.drover.internal", as an entry.
DnsHost parse_line(const std::string& line) {
    std::istringstream words(line.substr(0, line.find('#')));
    DnsHost host;
    words >> host.address;
    for (std::string name; words >> name;) host.names.push_back(name);
    return host;
}

bool is_stale(const Sight& sight, const DnsHost& host) {
    if (host.names.empty()) return !host.address.empty();
    return std::any_of(host.names.begin(), host.names.end(),
                       [&](const auto& name) { return !sight.is_known(host.address, name); });
}

}  // namespace

Suspicions foreign_networks(const Sight& sight) {
    Suspicions found;
    for (const auto& network : sight.world.networks) {
        if (!sight.is_network_asked_for(network.name) || sight.is_ours(network)) continue;
        found.push_back({{.object = network.name,
                          .detail = "the network of that name is not this registry's: left alone; name another one in "
                                    "the configuration (network.name), or remove it with virsh"}});
    }
    return found;
}

/// The daemon makes and starts them with each look, every 30 seconds.
Suspicions missing_networks(const Sight& sight) {
    if (!sight.world.networks_known) return {};
    Suspicions missing;
    for (const auto* asked : all_networks(sight.config)) {
        const auto name = title_of(sight.config, *asked);
        const auto& networks = sight.world.networks;
        const auto found =
            std::find_if(networks.begin(), networks.end(), [&](const auto& it) { return it.name == name; });
        if (found != networks.end() && (found->active || !sight.is_ours(*found))) continue;
        missing.push_back({{.object = name,
                            .detail = fmt::format("the guests' network {}: droverd starts it within half a minute, "
                                                  "and says in its events why when it cannot",
                                                  found == networks.end() ? "is not there" : "is not active")}});
    }
    return missing;
}

Suspicions orphan_networks(const Sight& sight) {
    Suspicions found;
    for (const auto& network : sight.world.networks) {
        if (sight.is_network_asked_for(network.name)) continue;
        if (!sight.is_ours(network) && !sight.is_bridge_asked_for(network.bridge)) continue;
        const auto* why = sight.is_ours(network) ? "is this registry's" : "has our bridge's name";
        found.push_back({{.object = network.name,
                          .detail = fmt::format(
                              "the network {} and the configuration asks for none of that name: when nothing uses "
                              "it, virsh net-destroy {} and net-undefine it",
                              why, network.name)}});
    }
    return found;
}

Suspicions orphan_bridges(const Sight& sight) {
    const auto& networks = sight.world.networks;
    Suspicions found;
    for (const auto& bridge : sight.world.bridges) {
        const auto has_it = [&](const Network& network) { return network.bridge == bridge; };
        if (std::any_of(networks.begin(), networks.end(), has_it)) continue;
        found.push_back(
            {{.object = bridge,
              .detail = fmt::format("a bridge of our name that no network has: when nothing uses it, ip link delete {}",
                                    bridge)}});
    }
    return found;
}

/// In the network itself, by somebody's hand or an older Drover's. Its own address has the host's name.
Suspicions stale_dns_hosts(const Sight& sight) {
    Suspicions found;
    for (const auto& network : sight.world.networks) {
        if (!sight.is_network_asked_for(network.name) || !sight.is_ours(network)) continue;
        for (const auto& host : network.hosts) {
            if (host.address == network.gateway || !is_stale(sight, host)) continue;
            found.push_back(
                {.finding = {.object = fmt::format("{} {}", host.address, fmt::join(host.names, " ")),
                             .detail = fmt::format("the DNS of network {} answers it, and no guest has that "
                                                   "address and name",
                                                   network.name),
                             .repair = "remove it from the network's DNS"},
                 .mend = ForgetHost{network.uuid, host}});
        }
    }
    return found;
}

/// In the folder that the network's DNS watches.
Suspicions stale_name_files(const Sight& sight) {
    Suspicions found;
    for (const auto& line : sight.world.name_lines) {
        if (!is_stale(sight, parse_line(line.text))) continue;
        found.push_back({.finding = {.object = printable(line.text),
                                     .detail = fmt::format("the network's DNS answers it by the file names/{} of the "
                                                           "state folder, and no guest has that address and name",
                                                           printable(line.file)),
                                     .repair = "remove it from the network's DNS"},
                         .mend = RemoveName{line}});
    }
    return found;
}

/// In the host's own table.
Suspicions stale_hosts_lines(const Sight& sight) {
    Suspicions found;
    for (const auto& line : sight.world.hosts_lines) {
        if (!is_stale(sight, parse_line(line))) continue;
        found.push_back(
            {.finding = {.object = printable(line),
                         .detail = "our block in the hosts file has the line, and no guest has that address "
                                   "and name",
                         .repair = "remove the line"},
             .mend = RemoveLine{line}});
    }
    return found;
}

}  // namespace drover::fsck
