#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "fsck/checks.hpp"

namespace drover::fsck {
namespace {

constexpr const char* by_itself = "while droverd runs it puts that right within half a minute";

bool should_have_a_line(const GuestRow& guest) {
    constexpr std::array<std::string_view, 4> up{"starting", "parked", "ready", "stopping"};
    return guest.is_built() && std::find(up.begin(), up.end(), guest.phase) != up.end();
}

}  // namespace

/// A guest of which nothing is let through, or of which nobody knows what to let through.
Suspicions missing_elements(const Sight& sight) {
    Suspicions found;
    const auto& firewall = sight.world.firewall;
    if (!firewall) return found;
    for (const auto& guest : sight.steady) {
        if (!should_have_a_line(guest) || firewall->lines.contains(sight.domain_name(guest.id))) continue;
        const auto* const detail = firewall->table ? "the nft table bridge drover_{} does not know the guest's line: {}"
                                                   : "the nft tables drover_{} are not there: {}";
        found.push_back({.finding = {.object = sight.domain_name(guest.id),
                                     .guest = guest.name,
                                     .detail = fmt::format(fmt::runtime(detail), sight.config.instance, by_itself)},
                         .rows = row_of(guest)});
    }
    return found;
}

Suspicions foreign_elements(const Sight& sight) {
    Suspicions found;
    const auto& firewall = sight.world.firewall;
    if (!firewall) return found;
    std::set<std::string> lines;
    for (const auto& [id, guest] : sight.living) lines.insert(sight.domain_name(guest.id));
    const auto tell = [&](const std::string& object, const char* what) {
        found.push_back({.finding = {.object = object, .detail = fmt::format("{}: {}", what, by_itself)}});
    };
    for (const auto& line : firewall->lines)
        if (!lines.contains(line)) tell(line, "the nft table lets through a line that no guest has");
    for (const auto& opening : firewall->openings)
        if (!sight.openings.contains(opening)) tell(opening, "the nft table has a port open that no opening tells of");
    return found;
}

Suspicions orphan_openings(const Sight& sight) {
    Suspicions found;
    for (const auto& opening : sight.orphan_openings)
        found.push_back({.finding = {.object = opening,
                                     .detail = fmt::format("an opening of a guest that is gone: {}", by_itself)}});
    return found;
}

/// Of an instance of which nothing else is here.
Suspicions orphan_tables(const Sight& sight) {
    Suspicions found;
    if (!sight.world.firewall) return found;
    for (const auto& table : sight.world.firewall->others) {
        const auto instance = table.substr(table.find('_') + 1);
        const auto folder = instance == "drover" ? instance : "drover-" + instance;
        const std::array traces{"/etc/drover/" + instance + ".yaml", "/var/lib/" + folder, "/run/" + folder};
        if (std::any_of(traces.begin(), traces.end(), [](const auto& path) { return std::filesystem::exists(path); }))
            continue;
        found.push_back({.finding = {.object = table,
                                     .detail = fmt::format("nft tables of an instance '{0}' of which nothing else is "
                                                           "here: when that is so, nft delete table inet {1}; nft "
                                                           "delete table bridge {1}",
                                                           instance, table)}});
    }
    return found;
}

}  // namespace drover::fsck
