#include <fmt/format.h>

#include "fsck/checks.hpp"

namespace drover::fsck {

/// The daemon sends such a guest away by itself: one that stays is worth a word.
Suspicions stray_members(const Sight& sight) {
    Suspicions found;
    for (const auto& guest : sight.steady) {
        if (!guest.is_stray || guest.desired == "gone") continue;
        found.push_back({.finding = {.object = guest.name,
                                     .guest = guest.name,
                                     .detail = "has neither an owner nor a pool: droverd sends it away, see why it "
                                               "does not: drover events"},
                         .rows = row_of(guest)});
    }
    return found;
}

}  // namespace drover::fsck
