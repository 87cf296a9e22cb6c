#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace drover {

/// The files of a version beside its manifest.json, in the order in which its digest takes them.
inline constexpr std::array<std::string_view, 3> version_files{"initrd", "root.squashfs", "vmlinuz"};
/// The one file of a version that is a cloud image: a qcow2 that backs overlays and boots by itself.
inline constexpr std::string_view cloud_disk = "disk.qcow2";

/// manifest.json: all that is known of a version. Holds no time, so that equal builds are equal.
struct Manifest {
    struct File {
        std::string sha256;
        long long bytes = 0;
    };
    std::string image;
    std::map<std::string, File> files;  ///< exactly version_files, or cloud_disk alone
    std::string kernel_parameters, profile, fork_point;
    long long memory = 0;  ///< bytes that a guest needs at least; 0, and not written: as many as it gets
    std::vector<std::pair<std::string, std::string>> packages;  ///< name, version

    /// "sha256:<64 hex>" over the files' digests and all that a guest of this version depends on.
    [[nodiscard]] std::string digest() const;
    [[nodiscard]] bool is_cloud() const { return files.contains(std::string(cloud_disk)); }
};

/// JSON, indented, with a newline at its end; names the digest too.
std::string to_json(const Manifest& manifest);
/// Reads folder/manifest.json. Error{failed} naming the file when it is not a whole manifest of this digest.
Manifest read_manifest(const std::filesystem::path& folder);

}  // namespace drover
