#include <fmt/format.h>

#include <filesystem>

#include "fsck/checks.hpp"

namespace drover::fsck {
namespace {

bool is_there(const Sight& sight, const CopyRow& copy) {
    std::error_code absent;
    if (!copy.file.empty()) return std::filesystem::is_regular_file(copy.file, absent);
    const auto found = sight.world.copies.find(std::to_string(copy.id));
    return found != sight.world.copies.end() && found->second;
}

}  // namespace

Suspicions missing_copies(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& [id, copy] : sight.copies) {
        if (is_there(sight, copy)) continue;
        const auto path = copy.file.empty() ? state.copy_path(std::to_string(id)) : copy.file;
        found.push_back(
            {.finding = {.object = printable(path),
                         .guest = copy.guest,
                         .detail = fmt::format("a copy of {} is not there, or not whole: look for it in lost/ "
                                               "or a backup, else drover copies remove it",
                                               copy.guest)}});
    }
    return found;
}

Suspicions orphan_copies(const Sight& sight) {
    const StateFiles state(sight.config.state);
    Suspicions found;
    for (const auto& [name, whole] : sight.world.copies) {
        const auto id = parse_id(name);
        if (id && sight.known_copies.contains(*id)) continue;
        found.push_back({.finding = {.object = printable(state.copy_path(name)),
                                     .detail = "no copy that the registry knows",
                                     .repair = "move it to lost/"},
                         .mend = MoveCopyToLost{name}});
    }
    return found;
}

}  // namespace drover::fsck
