#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fsck/checks.hpp"

namespace drover::fsck {
namespace {

std::string overlay_file(const GuestRow& guest, std::int64_t counter) {
    return fmt::format("{}.{}", counter, guest.is_container() ? "img" : "qcow2");
}

/// What is wrong with a file of a guest's folder; empty: nothing.
std::string flaw_of(const std::map<std::string, std::string>& files, const std::string& name) {
    const auto found = files.find(name);
    return found == files.end() ? "is not there" : found->second;
}

}  // namespace

const Domain* other_user(const Sight& sight, const std::string& folder, std::optional<GuestId> id) {
    const auto is_inside = [&](const std::string& file) { return file.starts_with(folder + "/"); };
    for (const auto& domain : sight.world.domains) {
        const bool own = id && domain.registry == sight.registry && sight.guest_of(domain.name) == id;
        if (!own && std::any_of(domain.disks.begin(), domain.disks.end(), is_inside)) return &domain;
    }
    return nullptr;
}

Suspicions orphan_overlays(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& folder : sight.world.overlays) {
        const auto id = parse_id(folder.name);
        if (id && sight.living.contains(*id)) continue;
        const auto path = state.overlay_path(folder.name);
        auto& it = found.emplace_back(Suspicion{{.object = printable(path)}});
        it.finding.detail = id ? fmt::format("guest {} is not in the registry, or gone", *id) : "no guest's folder";
        if (const auto* user = other_user(sight, path, id)) {
            it.finding.detail += fmt::format("; left alone while domain {} uses it", user->name);
            continue;
        }
        it.finding.repair = "move it to lost/";
        it.mend = MoveToLost{folder.name};
    }
    return found;
}

Suspicions orphan_logs(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& name : sight.world.logs) {
        const auto id = parse_id(name);
        if (id && sight.living.contains(*id)) continue;
        const auto why = id ? fmt::format("guest {} is not in the registry, or gone", *id) : "no guest's folder";
        found.push_back({.finding = {.object = printable(state.log_path(name)),
                                     .detail = "a console's log: " + why,
                                     .repair = "move it to lost/"},
                         .mend = MoveLogToLost{name}});
    }
    return found;
}

// While one overlay takes the place of another, by a build that is owed or begun, either of them will do.
Suspicions missing_overlays(const Sight& sight) {
    const StateFiles state(sight.config.state);
    std::map<std::string, std::map<std::string, std::string>> files;
    for (const auto& folder : sight.world.overlays) files[folder.name] = folder.files;
    Suspicions found;
    for (const auto& guest : sight.steady) {
        const auto& there = files[std::to_string(guest.id)];
        const auto has = overlay_file(guest, guest.have_overlay);
        const auto flaw = flaw_of(there, has);
        if (!guest.is_built() || flaw.empty() || flaw_of(there, overlay_file(guest, guest.want_overlay)).empty())
            continue;
        found.push_back({.finding = {.object = fmt::format("{}/{}", state.overlay_path(std::to_string(guest.id)), has),
                                     .guest = guest.name,
                                     .detail = fmt::format("guest {} is {} and its overlay {}: look for it in "
                                                           "lost/ or a backup, else drover rebuild {} begins afresh",
                                                           guest.name, guest.phase, flaw, guest.name)},
                         .rows = row_of(guest)});
    }
    return found;
}

}  // namespace drover::fsck
