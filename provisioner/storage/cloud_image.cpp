#include "storage/cloud_image.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/profile.hpp"
#include "process/process.hpp"
#include "storage/copy_store.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/manifest.hpp"
#include "storage/qcow2.hpp"
#include "storage/root_build.hpp"

namespace drover {
namespace fs = std::filesystem;

void expect_cloud_image(const fs::path& file) {
    if (!fs::is_regular_file(fs::symlink_status(file)))
        throw Error(ErrorKind::refused, fmt::format("'{}' is no plain file on this host", file.string()),
                    "its absolute path, no link");
    expect_plain_qcow2(file, Backing::refused);
    try {
        static_cast<void>(virtual_size(file));
    } catch (const Error& error) {
        throw Error(ErrorKind::refused, error.what(), "its disk may have 16 TiB");
    }
}

/// The copy is what is looked at: nobody changes it meanwhile.
fs::path add_cloud_image(const CloudImage& cloud, const StoragePaths& paths, const BuildWork& work,
                         const std::function<bool(const fs::path&)>& is_whole) {
    const auto images = fs::path(paths.state) / "roots" / cloud.image;
    make_folder(images, 0755);
    const UniqueFd lock = lock_image(images, work);
    const Scratch scratch(fs::path(paths.state) / "tmp");
    const auto disk = scratch.path() / cloud_disk;
    work.tell("copying " + cloud.file);
    copy_plain_file(cloud.file, disk);
    expect_cloud_image(disk);
    work.tell("reading it");
    Manifest manifest;
    manifest.image = cloud.image;
    manifest.profile = cloud_profile;
    manifest.memory = cloud.memory;
    manifest.files[std::string(cloud_disk)] = {digest_of_file(disk), static_cast<long long>(fs::file_size(disk))};
    return switch_in(manifest, scratch.path(), scratch.path(), paths, work, is_whole);
}

bool is_cloud_folder(const fs::path& folder) { return fs::is_regular_file(fs::symlink_status(folder / cloud_disk)); }

bool is_cloud_disk(const fs::path& state, const fs::path& path) {
    return path.lexically_normal().string() == path.string() && path.filename() == cloud_disk &&
           path.parent_path().parent_path().parent_path() == state / "roots" && is_cloud_folder(path.parent_path());
}

void make_cloud_overlay(const fs::path& base, const fs::path& overlay, long long bytes) {
    const auto size = std::max<long long>(bytes, virtual_size(base));
    run_writer({.argv = {"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "qcow2", "-b", base, overlay,
                         std::to_string(size)}},
               overlay.parent_path());
    sync_path(overlay);
}

void make_seed(const std::map<std::string, std::string>& files, const StoragePaths& paths, const fs::path& scratch,
               const fs::path& seed) {
    std::vector<std::string> argv{"xorrisofs", "-quiet", "-volid", "cidata", "-joliet", "-rational-rock"};
    argv.insert(argv.end(), {"-o", seed, "-graft-points", fs::path(paths.images) / "cloud-seed"});
    argv.push_back("/drover-guest=" + paths.guest_end);
    for (const auto& [name, text] : files) {
        write_new_file(scratch / name, text, 0600);
        argv.push_back(fmt::format("/{}={}", name, (scratch / name).string()));
    }
    run_writer({.argv = argv}, scratch);
    sync_path(seed);
}

}  // namespace drover
