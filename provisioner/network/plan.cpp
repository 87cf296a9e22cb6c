#include "network/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "hypervisor/networks.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

/// What a note tells of a network: "SUBNET SUBNET6 USERS-BEFORE", "-" for no IPv6.
struct Kept {
    Subnet subnet;
    std::uint64_t users_before = 0;
};

std::string note_of(const std::string& network) { return "network/" + network; }

std::string text_of(const Network& network) {
    return fmt::format("{} {} {}", to_text(network.subnet), network.subnet6 ? to_text(*network.subnet6) : "-",
                       network.users_before);
}

std::optional<Kept> kept_of(const PlanSources& sources, const std::string& network) {
    if (const auto text = sources.note(note_of(network))) {
        std::istringstream words(*text);
        std::string subnet, subnet6;
        Kept kept;
        words >> subnet >> subnet6 >> kept.users_before;
        kept.subnet = parse_subnet(subnet);
        return kept;
    }
    // Before there were several, there was this of the one.
    const auto older = network.empty() ? sources.note("subnet") : std::nullopt;
    return older ? std::optional(Kept{parse_subnet(*older), 0}) : std::nullopt;
}

std::uint64_t size_of(const Subnet& subnet) { return std::uint64_t{1} << (32 - subnet.prefix); }

/// Makes the networks one after the other; each keeps clear of those before, and of what the configuration says of
/// those after.
class Planner {
  public:
    Planner(const Config& config, const PlanSources& sources) : config_(config), sources_(sources) {}

    NetworkPlan plan() {
        const auto all = all_networks(config_);
        for (const auto* network : all)
            if (network->cidr != "auto") fixed_.push_back(parse_subnet(network->cidr));
        for (const auto* network : all) made_.push_back(make(*network));
        for (auto& network : made_) place_users(network);
        for (const auto& network : made_) keep(network);
        return NetworkPlan(std::move(made_));
    }

  private:
    Network make(const NetworkConfig& from) {
        const bool is_default = &from == &config_.network;
        const std::string name = is_default ? "" : from.name;
        Network network = network_of(choose_subnet(from, name));
        network.name = name;
        network.title = title_of(config_, from);
        network.mode = from.mode;
        network.bridge = bridge_of(config_, from);
        network.vlan = from.vlan;
        network.domain = config_.network.domain;
        network.guests = from.guests;
        network.subnet6 = subnet6_of(from, name);
        if (network.is_own()) {
            if (network.subnet6) network.gateway6 = network.subnet6->gateway();
        } else {
            take_from_outside(from, network);
        }
        check_apart(network);
        return network;
    }

    static void take_from_outside(const NetworkConfig& from, Network& network) {
        const auto dash = from.range.find('-');
        network.first = parse_address(from.range.substr(0, dash));
        network.last = parse_address(from.range.substr(dash + 1));
        network.gateway = parse_address(from.gateway);
        network.dns = parse_address(from.dns);
        if (!from.gateway6.empty()) network.gateway6 = parse_address6(from.gateway6);
    }

    Subnet choose_subnet(const NetworkConfig& from, const std::string& name) {
        if (from.cidr != "auto") return parse_subnet(from.cidr);
        if (const auto kept = kept_of(sources_, name)) return kept->subnet;
        auto taken = sources_.taken();
        taken.insert(taken.end(), fixed_.begin(), fixed_.end());
        for (const auto& network : made_) taken.push_back(network.subnet);
        for (const auto* other : all_networks(config_))  // chosen earlier, and made after this one
            if (const auto kept = kept_of(sources_, other == &config_.network ? "" : other->name))
                taken.push_back(kept->subnet);
        return free_subnet(taken);
    }

    [[nodiscard]] std::optional<Subnet6> subnet6_of(const NetworkConfig& from, const std::string& name) const {
        const bool foreign = from.mode == NetworkMode::bridge;
        if (from.cidr6 == "none" || (from.cidr6 == "auto" && (foreign || !sources_.has_ipv6))) return std::nullopt;
        return from.cidr6 == "auto" ? own_subnet6(sources_.registry, name) : parse_subnet6(from.cidr6);
    }

    void check_apart(const Network& network) const {
        for (const auto& other : made_) {
            const bool same6 = network.subnet6 && other.subnet6 && network.subnet6->overlaps(*other.subnet6);
            if (!network.subnet.overlaps(other.subnet) && !same6) continue;
            throw Error(ErrorKind::refused,
                        fmt::format("the networks '{}', {}, and '{}', {}, overlap", shown_network(network.name),
                                    text_of(network), shown_network(other.name), text_of(other)),
                        "give them other subnets in the configuration: cidr, cidr6");
        }
    }

    /// Each address has users of its own; a network keeps those that it had while they are enough and nobody else's.
    void place_users(Network& network) {
        const auto kept = kept_of(sources_, network.name);
        const auto size = size_of(network.subnet);
        const auto is_free = [&](std::uint64_t before) {
            return std::ranges::none_of(users_, [&](const auto& other) {
                return before < other.first + other.second && other.first < before + size;
            });
        };
        std::uint64_t end = 0;
        for (const auto& [before, count] : users_) end = std::max(end, before + count);
        for (const auto& other : made_)  // theirs, until they are looked at
            if (const auto theirs = kept_of(sources_, other.name); theirs && &other != &network)
                end = std::max(end, theirs->users_before + size_of(theirs->subnet));
        const bool same = kept && size <= size_of(kept->subnet) && is_free(kept->users_before);
        const bool fresh = !kept && network.name.empty();
        network.users_before = same ? kept->users_before : fresh && is_free(0) ? 0 : end;
        if (kept && !same && network.name.empty() && made_.size() == 1) network.users_before = 0;
        users_.emplace_back(network.users_before, size);
    }

    void keep(const Network& network) const {
        const auto text = text_of(network);
        if (sources_.note(note_of(network.name)) != text) sources_.set_note(note_of(network.name), text);
        if (network.name.empty() && config_.network.cidr == "auto" && !sources_.note("subnet"))
            sources_.set_note("subnet", to_text(network.subnet));
    }

    const Config& config_;
    const PlanSources& sources_;
    std::vector<Subnet> fixed_;
    std::vector<Network> made_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> users_;  ///< first and count
};

}  // namespace

NetworkPlan make_plan(const Config& config, const PlanSources& sources) { return Planner(config, sources).plan(); }

bool host_has_ipv6() {
    std::error_code error;
    return std::filesystem::exists("/proc/net/if_inet6", error);
}

}  // namespace drover
