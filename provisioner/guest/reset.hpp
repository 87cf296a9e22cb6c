#pragma once
#include <filesystem>
#include <vector>

#include "model/profile.hpp"
#include "model/shadow.hpp"

/// Gives paths back to the root, at boot, before anything is laid over it.
namespace drover::guest {

/// Notes durably in `state`, the guest's end's own folder, what is to be the root's again; none: nothing.
void put_reset_list(const std::filesystem::path& state, const std::vector<PathChange>& changes);

/// Does what was noted for the root that is there now; the rest stays noted. What the guest had at such a path is moved
/// to aside/<number>/ in the same folder, nothing is deleted; a deletion and the mark of an opaque folder just end. Cut
/// short at any point, the next run completes it. An error is told on the console and does not keep the guest down.
void reset_paths(const Profile& profile, const std::filesystem::path& root, const std::filesystem::path& overlay);

}  // namespace drover::guest
