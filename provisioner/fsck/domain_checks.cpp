#include <fmt/format.h>

#include <algorithm>

#include "fsck/checks.hpp"

namespace drover::fsck {

namespace {

/// Whether the domain is, by name and UUID, the one that a living guest was given.
bool is_a_guests_own(const Sight& sight, const Domain& domain) {
    const auto id = sight.guest_of(domain.name);
    return id && sight.living.contains(*id) && domain.uuid == sight.domain_uuid(*id);
}

/// What to do with a domain that has our tag and that somebody renamed, or made a copy of one of ours.
std::string advice_for_changed(const Sight& sight, const Domain& domain) {
    const auto name = sight.domain_name(domain.id);
    if (domain.uuid == sight.domain_uuid(domain.id) && domain.name != name && sight.living.contains(domain.id))
        return fmt::format("carries the tag of guest {} and was renamed: virsh domrename {} {}", domain.id, domain.name,
                           name);
    return fmt::format(
        "carries the tag of guest {} and is not as Drover made it; somebody renamed or copied it: "
        "virsh undefine {}",
        domain.id, domain.name);
}

}  // namespace

Suspicions orphan_domains(const Sight& sight) {
    Suspicions found;
    for (const auto& domain : sight.world.domains) {
        if (domain.registry != sight.registry || is_a_guests_own(sight, domain) || sight.is_template(domain)) continue;
        auto& it = found.emplace_back(Suspicion{{.object = domain.name, .guest = domain.guest}});
        if (sight.guest_of(domain.name) != domain.id || sight.living.contains(domain.id)) {
            it.finding.detail = advice_for_changed(sight, domain);  // theirs to sort out
            continue;
        }
        it.finding.detail = fmt::format("made for guest {}, which the registry does not have or calls gone", domain.id);
        it.finding.repair = domain.active ? "destroy and undefine it" : "undefine it";
        it.mend = RemoveDomain{domain.uuid, domain.id, domain.is_container};
    }
    return found;
}

Suspicions foreign_domains(const Sight& sight) {
    Suspicions found;
    for (const auto& domain : sight.world.domains) {
        const auto id = sight.guest_of(domain.name);
        if (!id || domain.registry == sight.registry) continue;
        const auto whose =
            domain.registry.empty() ? "has no tag of Drover" : "carries the tag of registry " + domain.registry;
        found.push_back(
            {{.object = domain.name,
              .guest = sight.name_of(*id),
              .detail = fmt::format("has a name of ours and {}: left alone; rename or remove it with virsh, "
                                    "or give one of the two another instance",
                                    whose)}});
    }
    return found;
}

namespace {

/// By name or by UUID: one that was renamed is not missing.
const Domain* domain_of(const Sight& sight, GuestId id) {
    const auto& domains = sight.world.domains;
    const auto name = sight.domain_name(id), uuid = sight.domain_uuid(id);
    const auto is_it = [&](const Domain& domain) { return domain.name == name || domain.uuid == uuid; };
    const auto found = std::find_if(domains.begin(), domains.end(), is_it);
    return found == domains.end() ? nullptr : &*found;
}

}  // namespace

Suspicions missing_domains(const Sight& sight) {
    if (!sight.world.domains_known) return {};
    Suspicions found;
    for (const auto& guest : sight.steady) {
        const auto* domain = domain_of(sight, guest.id);
        if (!guest.is_built() || (domain != nullptr && domain->persistent)) continue;
        const auto detail =
            domain != nullptr
                ? fmt::format("guest {} runs and the definition of its domain is gone: drover restart {} makes it anew",
                              guest.name, guest.name)
                : fmt::format(
                      "guest {} is {} and has no domain: drover start {} defines it anew and keeps its data, "
                      "drover rebuild {} begins afresh",
                      guest.name, guest.phase, guest.name, guest.name);
        found.push_back({.finding = {.object = sight.domain_name(guest.id), .guest = guest.name, .detail = detail},
                         .rows = row_of(guest)});
    }
    return found;
}

}  // namespace drover::fsck
