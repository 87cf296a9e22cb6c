#pragma once
#include <filesystem>
#include <string>

#include "model/profile.hpp"

namespace drover::guest {

/// Where the guest's end keeps its own things on the overlay; everything else there lies under its path in the guest.
inline constexpr const char* own_folder = ".drover";

/// Brings new things from the root onto the overlay, at every boot: whatever is below a persistent path, at any depth,
/// and each merged file, that was never seeded before is copied and recorded. What the user deleted or changed stays
/// so; what a later root adds arrives, unless the user took away the folder that it belongs into. `version` names the
/// root: one that was gone through before is not gone through again; empty: it is. Cut short at any point, the next run
/// completes it: copied aside, synced, renamed, recorded. Error{failed} when a persistent path is no folder in the
/// root.
///
/// A folder that an older guest's end seeded was recorded without what is in it. What is missing there counts as
/// deleted by the user, but for a folder that still has the time that it was seeded with: nothing was taken out of
/// that.
void seed(const Profile& profile, const std::filesystem::path& root, const std::filesystem::path& overlay,
          const std::string& version = "");

}  // namespace drover::guest
