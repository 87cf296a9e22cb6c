#include "storage/container_mounts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "model/error.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// A mount goes from here alone. Copies of it in the namespaces of others that started meanwhile go when the folder
/// that they are mounted at goes, wherever they are: rmdir(2) of a mount point of other namespaces, since Linux 3.18.
void take_place_away(const fs::path& path) {
    detach(path);
    ::rmdir(path.c_str());
}

void take_away(const fs::path& folder) {
    for (const auto* name : {"root", "overlay"}) take_place_away(folder / name);
    ::rmdir(folder.c_str());
}

/// Libvirt looks for them as the container's root, an ordinary user: it must get through.
void make_place(const fs::path& path) {
    if (::mkdir(path.c_str(), 0711) != 0 && errno != EEXIST) throw_errno("create folder", path);
    if (::chmod(path.c_str(), 0711) != 0) throw_errno("set the mode of", path);
}

/// For nobody else while it is to be seen.
UniqueFd mount_overlay(const std::string& image, unsigned first_uid) {
    const auto loop = attach_loop_alone(image);
    auto mount = mount_ext4(loop.path);
    if (::fchmodat(mount.get(), ".", 0700, 0) != 0) throw_errno("set the mode of", image);
    idmap(mount, first_uid);
    return mount;
}

}  // namespace

ContainerMounts::ContainerMounts(fs::path folder) : folder_(std::move(folder)) {
    make_folders(folder_.parent_path());
    detach(folder_);
    make_place(folder_);
    for (const auto& left : entries_of(folder_)) take_away(left);
    take_place_away(folder_);
    make_place(folder_);
    make_private(folder_);
}

ContainerMounts::~ContainerMounts() {
    try {
        detach(folder_);
    } catch (const Error&) {  // the next one will
    }
}

ContainerMounts::Place ContainerMounts::place(GuestId id) const {
    const auto folder = folder_ / std::to_string(id);
    return {folder / "root", folder / "overlay"};
}

ContainerMounts::Lease::~Lease() {
    try {
        take_away(folder_);
    } catch (const Error&) {  // the next start of the guest, or of the daemon, will
    }
}

ContainerMounts::Lease ContainerMounts::lend(GuestId id, const std::string& root, const std::string& overlay,
                                             unsigned first_uid) {
    const auto folder = folder_ / std::to_string(id);
    take_away(folder);
    const auto root_mount = mount_root(root, first_uid);
    const auto overlay_mount = mount_overlay(overlay, first_uid);
    for (const auto& path : {folder, folder / "root", folder / "overlay"}) make_place(path);
    attach(root_mount, folder / "root");
    attach(overlay_mount, folder / "overlay");
    return Lease(folder);
}

void ContainerMounts::forget(const std::string& root) { loops_.lock()->erase(root); }

void ContainerMounts::expect_idmap(const std::string& root, unsigned first_uid) {
    try {
        mount_root(root, first_uid);
    } catch (const Error& error) {
        throw Error(ErrorKind::refused, std::string("containers are not safe here: ") + error.what(),
                    "it takes loop devices and a kernel that idmaps squashfs, as 6.18 does; leave --kind out");
    }
}

UniqueFd ContainerMounts::mount_root(const std::string& root, unsigned first_uid) {
    auto mount = mount_squashfs(loop_of(root));
    idmap(mount, first_uid);
    return mount;
}

std::string ContainerMounts::loop_of(const std::string& root) {
    auto loops = loops_.lock();
    const auto found = loops->find(root);
    struct stat now {};
    if (::stat(root.c_str(), &now) != 0) throw_errno("look at", root);
    const auto is_same = [&](const LentRoot& lent) { return lent.device == now.st_dev && lent.inode == now.st_ino; };
    if (found != loops->end() && is_same(found->second)) return found->second.loop.path;
    auto loop = attach_loop(root, true);
    auto path = loop.path;
    loops->insert_or_assign(root, LentRoot{now.st_dev, now.st_ino, std::move(loop)});
    return path;
}

}  // namespace drover
