#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "model/profile.hpp"
#include "model/shadow.hpp"

/// How a guest's overlay hides what its root has. Symbolic links are never followed: the overlay is the user's. One
/// thread. Error{failed} naming what cannot be read.
namespace drover::guest {

/// The part of a profile that a path lies in.
struct Region {
    enum class Kind { persistent, merged_folder, merged_file };
    Kind kind = Kind::persistent;
    std::string path;
};

/// The region of `path`; nothing where the root itself shows, or a volatile path lies over it. `root` tells which
/// merged paths are folders.
std::optional<Region> region_of(const Profile& profile, const std::filesystem::path& root, const std::string& path);

/// The folders between the region's own and the path, the path itself last: "/etc/a" and "/etc/a/b" of "/etc/a/b" in
/// the region "/etc". The region's own path alone, when it is that.
std::vector<std::string> steps_to(const Region& region, const std::string& path);

/// What is at a path of a tree.
struct Found {
    FileForm form;          ///< of a file that has the size of neither form of the change, without digest
    std::int64_t time = 0;  ///< when it was last written, in seconds since 1970
};
Found look_at(const std::filesystem::path& path, const PathChange& change);

/// Whether overlayfs takes it for something that was deleted.
bool is_whiteout(const std::filesystem::path& path);

/// The marks by which overlayfs knows a folder that hides all that the root has in it: of a vm and of a container.
inline constexpr const char* opaque_marks[] = {"trusted.overlay.opaque", "user.overlay.opaque"};
bool is_opaque(const std::filesystem::path& folder);

/// How the overlay hides what the root that comes has at the path of `change`; nothing: it does not.
std::optional<Hiding> hiding_of(const Region& region, const std::filesystem::path& overlay, const PathChange& change);

/// The same of a file that the guest's end writes a block into: by what in it is the user's.
std::optional<Hiding> hiding_around_block(const std::filesystem::path& overlay, const PathChange& change);

}  // namespace drover::guest
