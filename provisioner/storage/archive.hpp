#pragma once
#include <filesystem>
#include <string>

#include "model/guest.hpp"

namespace drover {

/// What an archive says of the guest that it was made of.
struct ArchiveFacts {
    std::string name, owner, image, version, profile;
    Kind kind = Kind::vm;
    CopyId copy = 0;       ///< in the registry that it came from
    std::string registry;  ///< its UUID

    bool operator==(const ArchiveFacts&) const = default;
};

/// One file with all that it takes to make the guest again, here or elsewhere: a tar of manifest.json and of
/// overlay.qcow2, which nothing backs. Made aside and renamed, durably, mode 0600; its folder is made when absent.
/// Repeated: the same file stays. Its bytes. Error{refused} when there is another file of that name; DiskFull.
long long write_archive(const ArchiveFacts& facts, const std::string& overlay, const std::filesystem::path& file);

/// Error{refused} naming the file when it is no archive, or one of a later Drover.
ArchiveFacts read_archive(const std::filesystem::path& file);

/// Writes the overlay of an archive into a new file, as overlays of this kind are. `scratch` is a folder for it alone.
/// Error{refused} when it is not what write_archive() makes.
void extract_overlay(const std::filesystem::path& file, Kind kind, const std::filesystem::path& scratch,
                     const std::filesystem::path& to);

}  // namespace drover
