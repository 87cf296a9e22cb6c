#include <fmt/format.h>

#include <set>

#include "fsck/checks.hpp"

namespace drover::fsck {

Suspicions orphan_domains(const Sight& sight) {
    Suspicions found;
    for (const auto& domain : sight.world.domains) {
        const auto named = sight.guest_of(domain.name);
        const auto id = named.value_or(domain.id);
        if (domain.registry != sight.registry || sight.living.contains(id)) continue;
        auto& it = found.emplace_back(Suspicion{{.object = domain.name, .guest = domain.guest}});
        it.finding.detail = fmt::format("made for guest {}, which the registry does not have or calls gone", id);
        if (named) {
            it.finding.repair = domain.active ? "destroy and undefine it" : "undefine it";
            it.mend = RemoveDomain{domain.uuid, id};
        } else {
            // Somebody copied one of our domains, tag and all, or renamed it: that is theirs to sort out.
            it.finding.detail += fmt::format("; somebody renamed or copied it: virsh undefine {}", domain.name);
        }
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

Suspicions missing_domains(const Sight& sight) {
    if (!sight.world.domains_known) return {};
    std::set<std::string> names;
    for (const auto& domain : sight.world.domains) names.insert(domain.name);
    Suspicions found;
    for (const auto& guest : sight.steady) {
        const auto name = sight.domain_name(guest.id);
        if (!guest.is_built() || names.contains(name)) continue;
        found.push_back(
            {.finding = {.object = name,
                         .guest = guest.name,
                         .detail = fmt::format("guest {} is {} and has no domain: drover start {} defines it "
                                               "anew and keeps its data, drover rebuild {} begins afresh",
                                               guest.name, guest.phase, guest.name, guest.name)},
             .rows = row_of(guest)});
    }
    return found;
}

}  // namespace drover::fsck
