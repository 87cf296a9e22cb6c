#include "fsck/checks.hpp"

#include <fmt/format.h>

#include <array>
#include <tuple>

namespace drover::fsck {
namespace {

struct Check {
    const char* kind;
    Suspicions (*look)(const Sight& sight);
};

constexpr std::array checks{
    Check{"orphan-domain", orphan_domains},     Check{"foreign-state", foreign_domains},
    Check{"foreign-state", foreign_networks},   Check{"missing-domain", missing_domains},
    Check{"orphan-overlay", orphan_overlays},   Check{"missing-overlay", missing_overlays},
    Check{"missing-root", missing_roots},       Check{"missing-root", missing_versions},
    Check{"missing-copy", missing_copies},      Check{"orphan-copy", orphan_copies},
    Check{"orphan-template", orphan_templates}, Check{"orphan-template", orphan_template_domains},
    Check{"orphan-root", orphan_roots},         Check{"doubled-address", doubled_addresses},
    Check{"doubled-address", doubled_macs},     Check{"doubled-address", unmarked_addresses},
    Check{"doubled-address", leaked_addresses}, Check{"stale-dns", stale_dns_hosts},
    Check{"stale-dns", stale_name_files},       Check{"stale-dns", stale_hosts_lines},
    Check{"orphan-network", orphan_networks},   Check{"orphan-network", orphan_bridges},
    Check{"missing-network", missing_networks}, Check{"orphan-member", stray_members},
    Check{"orphan-log", orphan_logs},           Check{"missing-element", missing_elements},
    Check{"foreign-element", foreign_elements}, Check{"orphan-opening", orphan_openings},
    Check{"orphan-table", orphan_tables},
};

}  // namespace

Suspicions check_all(const Sight& sight) {
    Suspicions all;
    for (const auto& check : checks)
        for (auto& suspicion : check.look(sight)) {
            suspicion.finding.kind = check.kind;
            all.push_back(std::move(suspicion));
        }
    return all;
}

bool Suspicion::is_same_as(const Suspicion& other) const {
    const auto what = [](const Suspicion& it) {
        return std::tie(it.finding.kind, it.finding.object, it.finding.guest, it.finding.detail, it.rows);
    };
    return what(*this) == what(other);
}

std::string row_of(const GuestRow& guest) { return fmt::format("{}@{}", guest.id, guest.rev); }

std::string printable(const std::string& text) {
    std::string clean;
    for (const char c : text) {
        const bool is_plain = c >= 0x20 && c <= 0x7e;
        clean += is_plain ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
    return clean;
}

}  // namespace drover::fsck
