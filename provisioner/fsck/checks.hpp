#pragma once
#include <string>
#include <variant>
#include <vector>

#include "fsck/sight.hpp"
#include "model/requests.hpp"

/// What can be wrong: pure functions of one look, one per kind of finding and sort of thing.
namespace drover::fsck {

/// How fsck mends a finding; nothing where a person has to decide.
struct RemoveDomain {
    std::string uuid;
    GuestId id = 0;
    bool is_container = false;
};
struct MoveToLost {
    std::string overlay;  ///< entry of state/overlays
};
struct MoveRootToLost {
    std::string root;  ///< root_name
};
struct MoveCopyToLost {
    std::string copy;  ///< entry of state/copies
};
struct MoveLogToLost {
    std::string name;  ///< entry of state/consoles
};
struct MoveTemplateToLost {
    std::string name;  ///< entry of state/templates
};
struct EndTemplate {
    std::string uuid;  ///< of the domain
};
struct ForgetHost {
    std::string network;  ///< UUID
    DnsHost host;
};
struct RemoveName {
    NameLine line;
};
struct RemoveLine {
    std::string line;
};
using Mend = std::variant<std::monostate, RemoveDomain, MoveToLost, MoveRootToLost, MoveCopyToLost, MoveLogToLost,
                          MoveTemplateToLost, EndTemplate, ForgetHost, RemoveName, RemoveLine>;

/// What one look makes of something.
struct Suspicion {
    Finding finding;  ///< the kind is filled in by check_all
    Mend mend{};
    std::string rows{};  ///< rev of the rows that it rests on: a later look at the same rows says the same

    /// Whether another look suspects the same of the same rows.
    [[nodiscard]] bool is_same_as(const Suspicion& other) const;
};
using Suspicions = std::vector<Suspicion>;

/// All checks, in the order of their table.
Suspicions check_all(const Sight& sight);

/// "7@3": the row that a suspicion rests on.
std::string row_of(const GuestRow& guest);
/// The text with what no terminal or JSON should get, bytes that are no printable ASCII, as \xNN.
std::string printable(const std::string& text);

/// A domain that uses a file in the folder; but not the guest's own, which goes with it.
const Domain* other_user(const Sight& sight, const std::string& folder, std::optional<GuestId> id = std::nullopt);

// The checks. domain_checks.cpp:
Suspicions orphan_domains(const Sight& sight);
Suspicions foreign_domains(const Sight& sight);
Suspicions missing_domains(const Sight& sight);
// pool_checks.cpp:
Suspicions stray_members(const Sight& sight);
// storage_checks.cpp:
Suspicions orphan_overlays(const Sight& sight);
Suspicions missing_overlays(const Sight& sight);
Suspicions orphan_logs(const Sight& sight);
// root_checks.cpp:
Suspicions missing_roots(const Sight& sight);
Suspicions missing_versions(const Sight& sight);
Suspicions orphan_roots(const Sight& sight);
// copy_checks.cpp:
Suspicions missing_copies(const Sight& sight);
Suspicions orphan_copies(const Sight& sight);
// template_checks.cpp:
Suspicions orphan_templates(const Sight& sight);
Suspicions orphan_template_domains(const Sight& sight);
/// Not one of check_all(): it reads all versions that the registry has, and what it finds needs no second look.
Suspicions damaged_roots(const Sight& sight);
// address_checks.cpp:
Suspicions doubled_addresses(const Sight& sight);
Suspicions doubled_macs(const Sight& sight);
Suspicions unmarked_addresses(const Sight& sight);
Suspicions leaked_addresses(const Sight& sight);
// network_checks.cpp:
Suspicions foreign_networks(const Sight& sight);
Suspicions missing_networks(const Sight& sight);
Suspicions orphan_networks(const Sight& sight);
Suspicions orphan_bridges(const Sight& sight);
Suspicions stale_dns_hosts(const Sight& sight);
Suspicions stale_name_files(const Sight& sight);
Suspicions stale_hosts_lines(const Sight& sight);
// firewall_checks.cpp:
Suspicions missing_elements(const Sight& sight);
Suspicions foreign_elements(const Sight& sight);
Suspicions orphan_openings(const Sight& sight);
Suspicions orphan_tables(const Sight& sight);

}  // namespace drover::fsck
