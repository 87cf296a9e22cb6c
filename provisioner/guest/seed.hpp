#pragma once
#include <filesystem>

#include "model/profile.hpp"

namespace drover::guest {

/// Where the guest's end keeps its own things on the overlay; everything else there lies under its path in the guest.
inline constexpr const char* own_folder = ".drover";

/// Brings new things from the root onto the overlay, at every boot: each entry right below a persistent path, and each
/// merged file, that was never seeded before is copied and recorded. What the user deleted or changed stays so; what a
/// later root adds arrives. Cut short at any point, the next run completes it: copied aside, synced, renamed, recorded.
/// Error{failed} when a persistent path is no folder in the root.
void seed(const Profile& profile, const std::filesystem::path& root, const std::filesystem::path& overlay);

}  // namespace drover::guest
