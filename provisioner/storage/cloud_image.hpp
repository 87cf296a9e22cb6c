#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "storage/build_work.hpp"
#include "storage/paths.hpp"

namespace drover {

/// What a version is made from that is a cloud image of others': no recipe, a file.
struct CloudImage {
    std::string image;     ///< whose version it becomes
    std::string file;      ///< a qcow2 on this host, absolute
    long long memory = 0;  ///< bytes that a guest needs at least

    bool operator==(const CloudImage&) const = default;
};

/// Error{refused} naming the file and why unless it is a plain file that holds a qcow2 which needs no other file and
/// whose disk has at most 16 TiB.
void expect_cloud_image(const std::filesystem::path& file);

/// Makes a version of a copy of the file and switches it in: switch_in(). Errors of expect_cloud_image().
std::filesystem::path add_cloud_image(const CloudImage& cloud, const StoragePaths& paths, const BuildWork& work,
                                      const std::function<bool(const std::filesystem::path& folder)>& is_whole);

/// Whether the folder of a version is a cloud image's.
bool is_cloud_folder(const std::filesystem::path& folder);

/// Whether `path` is the disk of a cloud image's version that is there. `state` is absolute.
bool is_cloud_disk(const std::filesystem::path& state, const std::filesystem::path& path);

/// Makes an empty overlay of `bytes`, or of the size of its base when that is larger, on `base`.
void make_cloud_overlay(const std::filesystem::path& base, const std::filesystem::path& overlay, long long bytes);

/// Makes a seed for cloud-init (NoCloud): a read-only file system named "cidata" with what is in
/// share/drover/images/cloud-seed, the guest's end and these files. `scratch` is an empty folder to work in.
void make_seed(const std::map<std::string, std::string>& files, const StoragePaths& paths,
               const std::filesystem::path& scratch, const std::filesystem::path& seed);

}  // namespace drover
