#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "model/profile.hpp"

namespace drover {

/// Reads overlays/<name>/overlay.yaml; the folder's name is the profile's. Error{usage} naming file, line and value.
Profile read_profile(const std::filesystem::path& folder);

/// Every profile below `folder`, by name.
std::map<std::string, Profile> read_profiles(const std::filesystem::path& folder);

/// 16 hex digits over all that a prototype of this profile holds.
std::string fingerprint(const Profile& profile);

}  // namespace drover
