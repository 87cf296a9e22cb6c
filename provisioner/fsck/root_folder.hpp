#pragma once
#include <filesystem>
#include <string>

namespace drover::fsck {

/// Whether the folder of a version has all its files, each as long as its manifest says. What is in them is not read:
/// that takes seconds. Any thread.
bool is_whole_root(const std::filesystem::path& folder);

/// The file of such a folder that does not have the digest which the manifest gives it; empty: all have. Reads them
/// all: about a second for 300 MB. Any thread.
std::string damaged_part(const std::filesystem::path& folder);

/// Whether the folder of a version, whole or not, is a cloud image's. Any thread.
bool is_cloud_root(const std::filesystem::path& folder);

}  // namespace drover::fsck
