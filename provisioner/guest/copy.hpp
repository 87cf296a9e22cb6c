#pragma once
#include <filesystem>

namespace drover::guest {

/// Copies whatever `from` is to `to`, which must not exist: a folder with all that is in it, a file, a symbolic link, a
/// device. Owners, modes and times are kept. Not synced. Error{failed} naming the path; what was copied so far stays.
void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to);

/// The same, but a folder is copied without what is in it.
void copy_alone(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace drover::guest
