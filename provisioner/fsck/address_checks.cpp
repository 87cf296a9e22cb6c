#include <fmt/format.h>

#include <map>

#include "fsck/checks.hpp"

namespace drover::fsck {
namespace {

using Holders = std::map<std::string, std::map<GuestId, const GuestRow*>>;

/// One suspicion for each thing that two guests hold.
Suspicions doubled(const Holders& holders) {
    Suspicions found;
    for (const auto& [object, guests] : holders) {
        if (guests.size() < 2) continue;
        std::vector<std::string> names, rows;
        for (const auto& [id, guest] : guests) {
            names.push_back(guest->name);
            rows.push_back(row_of(*guest));
        }
        found.push_back(
            {.finding = {.object = object,
                         .guest = names.back(),
                         .detail = fmt::format("{} all have it: retire all but one of them", fmt::join(names, ", "))},
             .rows = fmt::format("{}", fmt::join(rows, " "))});
    }
    return found;
}

}  // namespace

Suspicions doubled_addresses(const Sight& sight) {
    Holders holders;
    for (const auto& guest : sight.steady) holders[to_text(guest.address)][guest.id] = &guest;
    return doubled(holders);
}

/// As the registry says, and as the domains have it.
Suspicions doubled_macs(const Sight& sight) {
    std::map<std::string, std::vector<std::string>> macs;
    for (const auto& domain : sight.world.domains)
        if (domain.registry == sight.registry) macs[domain.name] = domain.macs;
    Holders holders;
    for (const auto& guest : sight.steady) {
        if (!guest.mac.empty()) holders[guest.mac][guest.id] = &guest;
        for (const auto& mac : macs[sight.domain_name(guest.id)]) holders[mac][guest.id] = &guest;
    }
    return doubled(holders);
}

Suspicions unmarked_addresses(const Sight& sight) {
    Suspicions found;
    for (const auto& guest : sight.steady) {
        if (sight.used.contains(guest.address)) continue;
        found.push_back(
            {.finding = {.object = to_text(guest.address),
                         .guest = guest.name,
                         .detail = fmt::format("guest {} has it and the registry does not hold it as in use: "
                                               "another guest may get it; retire {} and request it anew",
                                               guest.name, guest.name)},
             .rows = row_of(guest)});
    }
    return found;
}

Suspicions leaked_addresses(const Sight& sight) {
    std::set<Address> held;
    for (const auto& [id, guest] : sight.living) held.insert(guest.address);
    Suspicions found;
    for (const auto& address : sight.used) {
        if (held.contains(address)) continue;
        found.push_back({{.object = to_text(address),
                          .detail = "the registry holds it as in use and no guest has it: nobody will ever get it; "
                                    "bring the registry back from a backup"}});
    }
    return found;
}

}  // namespace drover::fsck
