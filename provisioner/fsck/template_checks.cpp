#include <fmt/format.h>

#include <algorithm>

#include "fsck/checks.hpp"

namespace drover::fsck {

/// What a guest was forked from stays in its memory when it is moved.
Suspicions orphan_templates(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& [name, folder] : sight.world.templates) {
        if (folder.unfinished || (folder.flaw.empty() && sight.known_versions.contains(folder.root))) continue;
        const auto why =
            folder.flaw.empty() ? fmt::format("is of {}, which the registry does not have", folder.root) : folder.flaw;
        found.push_back({.finding = {.object = printable(state.template_path(name)),
                                     .detail = printable("a template that " + why),
                                     .repair = "move it to lost/"},
                         .mend = MoveTemplateToLost{name}});
    }
    return found;
}

/// They run while a folder is there that their template is made in.
Suspicions orphan_template_domains(const Sight& sight) {
    const auto& templates = sight.world.templates;
    const bool making =
        std::any_of(templates.begin(), templates.end(), [](const auto& one) { return one.second.unfinished; });
    Suspicions found;
    for (const auto& domain : sight.world.domains) {
        if (making || !sight.is_template(domain)) continue;
        found.push_back({.finding = {.object = domain.name,
                                     .detail = "a template's domain, and none is being made",
                                     .repair = "destroy it"},
                         .mend = EndTemplate{domain.uuid}});
    }
    return found;
}

}  // namespace drover::fsck
