#include "model/network.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "model/error.hpp"
#include "model/words.hpp"

namespace drover {
namespace {

constexpr std::string_view default_word = "default";
constexpr Words<NetworkMode, 4> modes{"mode of a network", {"nat", "routed", "isolated", "bridge"}};
constexpr Words<GuestTraffic, 3> traffics{"policy between guests", {"open", "same-owner", "none"}};

}  // namespace

std::string_view to_text(NetworkMode mode) { return modes.text(mode); }
NetworkMode parse_network_mode(std::string_view text) { return modes.parse(text); }
std::string_view to_text(GuestTraffic traffic) { return traffics.text(traffic); }
GuestTraffic parse_guest_traffic(std::string_view text) { return traffics.parse(text); }

Network network_of(const Subnet& subnet) {
    Network network;
    network.subnet = subnet;
    network.gateway = network.dns = subnet.gateway();
    network.first = subnet.first();
    network.last = subnet.last();
    return network;
}

const Network* NetworkPlan::find(std::string_view name) const {
    const auto found = std::ranges::find(all_, name, &Network::name);
    return found == all_.end() ? nullptr : &*found;
}

const Network& NetworkPlan::of(std::string_view name) const {
    if (const auto* network = find(name)) return *network;
    std::vector<std::string> names;
    for (const auto& network : all_) names.push_back(shown_network(network.name));
    throw Error(ErrorKind::not_found, fmt::format("no network '{}'", shown_network(name)),
                fmt::format("there are: {}", fmt::join(names, ", ")));
}

std::optional<Address6> NetworkPlan::address6(std::string_view name, Address address) const {
    const auto* network = find(name);
    return network == nullptr ? std::nullopt : network->address6(address);
}

std::string shown_network(std::string_view name) { return std::string(name.empty() ? default_word : name); }

std::string meant_network(std::string_view word) { return std::string(word == default_word ? "" : word); }

void check_network_name(std::string_view name) {
    const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
    const bool good = !name.empty() && name.size() <= 6 && lower(name.front()) && name != "br" &&
                      std::ranges::all_of(name, [&](char c) { return lower(c) || (c >= '0' && c <= '9'); });
    if (!good)
        throw Error(ErrorKind::usage, fmt::format("'{}' is no name of a network", name),
                    "a letter, then up to 5 of a-z 0-9, and not br");
}

}  // namespace drover
