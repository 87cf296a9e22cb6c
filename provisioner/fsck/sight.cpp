#include "fsck/sight.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <iterator>

#include "fsck/hosts_file.hpp"
#include "fsck/simulated.hpp"
#include "model/error.hpp"

namespace drover::fsck {
namespace {

/// A host without guests of that kind need not have their driver.
void look_at_containers(const Virsh& virsh, bool has_containers, World& world) {
    try {
        for (auto& domain : virsh.domains()) world.domains.push_back(std::move(domain));
    } catch (const Error& error) {
        if (has_containers || error.kind() != ErrorKind::unavailable) throw;
    }
}

/// A simulated hypervisor shows its folder. One that lives inside of the daemon shows nothing to anybody else: then
/// nothing is known of domains, and nothing is said of them.
void look_at_hypervisor(const std::string& uri, const Hypervisors& hypervisors, bool has_containers, World& world) {
    if (uri.starts_with(fake_hypervisor)) {
        world.domains = simulated_domains(uri.substr(fake_hypervisor.size()));
    } else if (uri.starts_with("test:")) {
        world.domains_known = false;
    } else {
        world.domains = hypervisors.vms.domains();
        world.networks = hypervisors.vms.networks();
        look_at_containers(hypervisors.containers, has_containers, world);
        world.networks_known = true;
    }
}

World look_around(const Config& config, const Fsck::Tools& tools, const Hypervisors& hypervisors, bool has_containers) {
    const StateFiles state(config.state);
    World world;
    look_at_hypervisor(config.hosts.front().vm_uri, hypervisors, has_containers, world);
    world.overlays = state.overlays();
    world.roots = state.roots();
    world.copies = state.copies();
    world.templates = state.templates();
    world.logs = state.logs();
    world.name_lines = NameFiles(config.state).lines();
    world.hosts_lines = HostsFile(tools.hosts_file, config.instance).lines();
    for (const auto* network : all_networks(config))
        if (const auto bridge = bridge_of(config, *network);
            network->mode != NetworkMode::bridge && std::filesystem::exists(tools.interfaces + "/" + bridge))
            world.bridges.insert(bridge);
    world.firewall = look_at_firewall(tools.nft, config.instance);
    return world;
}

/// The guests that both readings show with the same rev, which every write of a row counts up.
std::vector<GuestRow> unchanged(const RegistryFacts& before, const RegistryFacts& after) {
    std::map<GuestId, std::int64_t> revs;
    for (const auto& guest : before.living) revs[guest.id] = guest.rev;
    std::vector<GuestRow> steady;
    for (const auto& guest : after.living) {
        const auto old = revs.find(guest.id);
        if (old != revs.end() && old->second == guest.rev) steady.push_back(guest);
    }
    return steady;
}

/// The versions that stay, and all that either reading shows.
void take_versions(const RegistryFacts& before, const RegistryFacts& after, Sight& sight) {
    for (const auto* facts : {&before, &after})
        for (const auto& [root, removing] : facts->versions) sight.known_versions.insert(root);
    for (const auto& [root, removing] : after.versions)
        if (!removing && before.versions.contains(root)) sight.versions.insert(root);
}

void take_copies(const RegistryFacts& before, const RegistryFacts& after, Sight& sight) {
    for (const auto* facts : {&before, &after})
        for (const auto& [id, copy] : facts->copies) sight.known_copies.insert(id);
    for (const auto& [id, copy] : after.copies) {
        const auto old = before.copies.find(id);
        if (copy.is_kept && old != before.copies.end() && old->second.is_kept) sight.copies[id] = copy;
    }
}

void take_openings(const RegistryFacts& before, const RegistryFacts& after, Sight& sight) {
    for (const auto* facts : {&before, &after})
        for (const auto& [id, opening] : facts->openings)
            sight.openings.insert(fmt::format("{} {} {}", to_text(opening.address), opening.protocol, opening.port));
    for (const auto& [id, opening] : after.openings)
        if (opening.is_orphan && before.openings.contains(id))
            sight.orphan_openings.insert(fmt::format("{} {}/{}", opening.guest, opening.port, opening.protocol));
}

/// The rule by which UUIDs are made: RFC 9562 version 8 of the SHA-256 of a text.
std::string made_uuid(const std::string& text) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
    crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
    hash[6] = static_cast<unsigned char>((hash[6] & 0x0fU) | 0x80U);
    hash[8] = static_cast<unsigned char>((hash[8] & 0x3fU) | 0x80U);
    auto digits = fmt::format("{:02x}", fmt::join(hash.begin(), hash.begin() + 16, ""));
    for (const std::size_t hyphen : {8, 13, 18, 23}) digits.insert(hyphen, "-");
    return digits;
}

/// Its second address; none where its network has no IPv6.
std::optional<Address6> address6_of(const RegistryFacts& facts, const GuestRow& guest) {
    const auto network = facts.networks.find(guest.network);
    if (network == facts.networks.end() || !network->second.second) return std::nullopt;
    const auto& [subnet, subnet6] = network->second;
    if (!subnet.contains(guest.address)) return std::nullopt;
    return subnet6->at(guest.address.value - subnet.network.value);
}

}  // namespace

Sight look(const Config& config, const Fsck::Tools& tools, RegistryReader& registry, const Hypervisors& hypervisors) {
    const auto before = registry.read();
    const bool has_containers = std::any_of(before.living.begin(), before.living.end(),
                                            [](const GuestRow& guest) { return guest.is_container(); });
    Sight sight{.config = config, .world = look_around(config, tools, hypervisors, has_containers)};
    const auto after = registry.read();

    sight.registry = after.uuid;
    sight.steady = unchanged(before, after);
    for (const auto* facts : {&after, &before})
        for (const auto& guest : facts->living) sight.living.emplace(guest.id, guest);
    for (const auto& [id, guest] : sight.living) {
        sight.names.emplace(to_text(guest.address), guest.name);
        if (const auto address6 = address6_of(after, guest)) sight.names.emplace(to_text(*address6), guest.name);
    }
    std::set_intersection(before.used.begin(), before.used.end(), after.used.begin(), after.used.end(),
                          std::inserter(sight.used, sight.used.end()));
    take_versions(before, after, sight);
    take_copies(before, after, sight);
    take_openings(before, after, sight);
    return sight;
}

bool Sight::has_root(const std::string& root) const {
    const auto found = world.roots.find(root);
    return found != world.roots.end() && found->second;
}

std::string Sight::domain_name(GuestId id) const { return fmt::format("{}-{}", config.instance, id); }

std::optional<GuestId> Sight::guest_of(std::string_view domain_name) const {
    const auto prefix = config.instance + "-";
    return domain_name.starts_with(prefix) ? parse_id(domain_name.substr(prefix.size())) : std::nullopt;
}

bool Sight::is_network_asked_for(const std::string& title) const {
    return std::ranges::any_of(all_networks(config), [&](const auto* it) { return title_of(config, *it) == title; });
}

bool Sight::is_bridge_asked_for(const std::string& bridge) const {
    return std::ranges::any_of(all_networks(config), [&](const auto* it) {
        return it->mode != NetworkMode::bridge && bridge_of(config, *it) == bridge;
    });
}

std::string Sight::name_of(GuestId id) const {
    const auto found = living.find(id);
    return found == living.end() ? "" : found->second.name;
}

bool Sight::is_known(const std::string& address, std::string_view name) const {
    const auto domain = "." + config.network.domain;
    if (name.ends_with(domain)) name.remove_suffix(domain.size());
    return names.contains({address, std::string(name)});
}

std::string Sight::domain_uuid(GuestId id) const { return made_uuid(fmt::format("{}/guest/{}", registry, id)); }

bool Sight::is_template(const Domain& domain) const {
    return domain.registry == registry &&
           (domain.name == config.instance + "-template" || domain.name == config.instance + "-trial");
}

bool Sight::is_ours(const Network& network) const {
    if (network.uuid == made_uuid(registry + "/network")) return true;
    const auto prefix = config.instance + "-";
    return network.name.starts_with(prefix) &&
           network.uuid == made_uuid(registry + "/network/" + network.name.substr(prefix.size()));
}

std::optional<GuestId> parse_id(std::string_view text) {
    GuestId id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && id >= 0 && fmt::to_string(id) == text ? std::optional(id) : std::nullopt;
}

}  // namespace drover::fsck
