#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "fsck/firewall_look.hpp"
#include "fsck/fsck.hpp"
#include "fsck/name_files.hpp"
#include "fsck/registry_facts.hpp"
#include "fsck/state_folder.hpp"
#include "fsck/virsh.hpp"

namespace drover::fsck {

/// What there is outside of the registry.
struct World {
    bool domains_known = true, networks_known = false;
    std::vector<Domain> domains;
    std::vector<Network> networks;
    std::vector<OverlayFolder> overlays;
    std::map<std::string, bool> roots;   ///< each folder of a version, by root_name, and whether it is whole
    std::map<std::string, bool> copies;  ///< each entry of state/copies, and whether its overlay is whole
    std::vector<std::string> logs;       ///< entries of state/consoles
    std::map<std::string, TemplateFolder> templates;  ///< entries of state/templates
    std::vector<NameLine> name_lines;                 ///< of the files that the network's DNS reads
    std::vector<std::string> hosts_lines;             ///< of our block
    std::set<std::string> bridges;          ///< interfaces of this host that have the name of a bridge of ours
    std::optional<FirewallSight> firewall;  ///< none: nobody can look at it
};

/// What one look saw: the registry, then the world, then the registry again. What a step changed meanwhile counts for
/// neither side.
struct Sight {
    Config config;
    std::string registry;                                 ///< its UUID
    std::vector<GuestRow> steady;                         ///< living guests whose row nobody wrote between the readings
    std::map<GuestId, GuestRow> living;                   ///< living in either reading
    std::set<std::pair<std::string, std::string>> names;  ///< address and name of each of them
    std::set<Address> used;                               ///< addresses in use in both readings
    std::set<std::string> versions;                       ///< root_name of those in both readings, not being removed
    std::set<std::string> known_versions;                 ///< of those in either reading
    std::map<GuestId, CopyRow> copies;                    ///< of those in both readings that are kept in both
    std::set<GuestId> known_copies;                       ///< of those in either reading
    std::set<std::string> openings;                       ///< "10.77.0.9 tcp 1098" of those in either reading
    std::set<std::string> orphan_openings;  ///< those in both readings whose guest is gone: "alice-1 1098/tcp"
    World world;

    /// "<instance>-<id>", and the id in such a name; none when it is no such name.
    [[nodiscard]] std::string domain_name(GuestId id) const;
    [[nodiscard]] std::optional<GuestId> guest_of(std::string_view domain_name) const;
    /// The UUID that the domain of the guest was made with.
    [[nodiscard]] std::string domain_uuid(GuestId id) const;
    /// Whether the domain is one that templates are made with.
    [[nodiscard]] bool is_template(const Domain& domain) const;
    /// Whether this is the name of a network, or of a bridge, that the configuration asks for; of bridges those that
    /// are made for it.
    [[nodiscard]] bool is_network_asked_for(const std::string& title) const;
    [[nodiscard]] bool is_bridge_asked_for(const std::string& bridge) const;
    /// Whether the folder of this version, by its root_name, is there and whole.
    [[nodiscard]] bool has_root(const std::string& root) const;
    /// The name of the living guest; empty when there is none.
    [[nodiscard]] std::string name_of(GuestId id) const;
    /// Whether a living guest has this address and this name, alone or with the network's domain.
    [[nodiscard]] bool is_known(const std::string& address, std::string_view name) const;
    /// Whether the network is this registry's own; of a name that the configuration does not know any more, too.
    [[nodiscard]] bool is_ours(const Network& network) const;
};

/// Looks. Error{unavailable} when it cannot.
Sight look(const Config& config, const Fsck::Tools& tools, RegistryReader& registry, const Hypervisors& hypervisors);

/// A whole number as ids are written: digits alone, no leading zero. None for anything else.
std::optional<GuestId> parse_id(std::string_view text);

}  // namespace drover::fsck
