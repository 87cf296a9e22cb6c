#pragma once
#include <filesystem>

namespace drover::fsck {

/// Whether the folder of a version has all its files, each as long as its manifest says. What is in them is not read:
/// that takes seconds. Any thread.
bool is_whole_root(const std::filesystem::path& folder);

}  // namespace drover::fsck
