#include <fmt/format.h>

#include <set>

#include "fsck/checks.hpp"
#include "fsck/root_folder.hpp"

namespace drover::fsck {
namespace {

/// Roots that guests need and that are not there, or not whole, each with the guests.
std::map<std::string, std::vector<const GuestRow*>> needed_in_vain(const Sight& sight) {
    std::map<std::string, std::vector<const GuestRow*>> missing;
    for (const auto& guest : sight.steady) {
        if (!guest.is_built()) continue;
        for (const auto& digest : std::set{guest.have_version, guest.want_version}) {
            const auto root = root_name(guest.image, digest);
            if (!digest.empty() && !sight.has_root(root)) missing[root].push_back(&guest);
        }
    }
    return missing;
}

/// What makes it anew.
std::string remedy_for(const std::string& folder, const std::string& image) {
    return is_cloud_root(folder) ? fmt::format("drover image add {} FILE --cloud-init", image)
                                 : fmt::format("drover image build {}", image);
}

}  // namespace

Suspicions missing_roots(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& [root, guests] : needed_in_vain(sight))
        for (const auto* guest : guests)
            found.push_back(
                {.finding = {.object = state.root_path(root),
                             .guest = guest->name,
                             .detail = fmt::format("guest {} needs it and it is not there, or not whole: "
                                                   "bring it back from a backup, or {}",
                                                   guest->name, remedy_for(state.root_path(root), guest->image))},
                 .rows = row_of(*guest)});
    return found;
}

/// Those that no guest has or wants: what new guests get, and what others could go back to.
Suspicions missing_versions(const Sight& sight) {
    const StateFiles state(sight.config.state);
    const auto told = needed_in_vain(sight);
    Suspicions found;
    for (const auto& root : sight.versions) {
        if (sight.has_root(root) || told.contains(root)) continue;
        const auto slash = root.find('/');
        const auto image = root.substr(0, slash), digits = root.substr(slash + 1);
        found.push_back({{.object = state.root_path(root),
                          .detail = fmt::format("version {} of {} is not there, or not whole: bring it back from a "
                                                "backup, or {}, or drover image remove {} {}",
                                                digits.substr(0, 12), image, remedy_for(state.root_path(root), image),
                                                image, digits)}});
    }
    return found;
}

Suspicions damaged_roots(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& root : sight.versions) {
        const auto part = sight.has_root(root) ? damaged_part(state.root_path(root)) : "";
        if (part.empty()) continue;
        const auto image = root.substr(0, root.find('/'));
        found.push_back(
            {{.kind = "damaged-root",
              .object = fmt::format("{}/{}", state.root_path(root), part),
              .detail = fmt::format("it is not what was built, and no guest is started from it: {} makes it anew",
                                    remedy_for(state.root_path(root), image))}});
    }
    return found;
}

/// A whole one may have come from another host: the daemon takes it in when it starts.
Suspicions orphan_roots(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& [root, whole] : sight.world.roots) {
        if (sight.known_versions.contains(root)) continue;
        const auto path = state.root_path(root);
        auto& it = found.emplace_back(Suspicion{{.object = printable(path)}});
        if (whole) {
            it.finding.detail = "a version that the registry does not know: droverd takes it in when it starts again";
            continue;
        }
        it.finding.detail = "no version that the registry knows, and none that is whole";
        if (const auto* user = other_user(sight, path)) {
            it.finding.detail += fmt::format("; left alone while domain {} uses it", user->name);
            continue;
        }
        it.finding.repair = "move it to lost/";
        it.mend = MoveRootToLost{root};
    }
    return found;
}

}  // namespace drover::fsck
