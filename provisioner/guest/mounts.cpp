#include "guest/mounts.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/files.hpp"
#include "guest/init.hpp"
#include "guest/seed.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* root_disk = "/dev/vda";
constexpr const char* overlay_disk = "/dev/vdb";

void mount_at(const fs::path& target, const char* source, const char* type, unsigned long flags,
              const std::string& options = "") {
    if (mount(source, target.c_str(), type, flags, options.c_str()) != 0)
        fail(std::string("cannot mount ") + source + " at " + target.string());
}

void bind(const fs::path& source, const fs::path& target) { mount_at(target, source.c_str(), nullptr, MS_BIND); }

void move(const fs::path& source, const fs::path& target) { mount_at(target, source.c_str(), nullptr, MS_MOVE); }

/// overlayfs over a folder of the root. Index, metacopy, redirect_dir and xino are off because only then the root below
/// may be another one at the next boot.
void merge_folder(const fs::path& lower, const fs::path& upper, const fs::path& work, Inside inside) {
    fs::create_directories(work);
    // A container may not write the attributes that overlayfs otherwise uses, only a user's.
    const std::string own = inside == Inside::vm ? "redirect_dir=off" : "redirect_dir=nofollow,userxattr";
    mount_at(lower, "overlay", "overlay", 0,
             "lowerdir=" + lower.string() + ",upperdir=" + upper.string() + ",workdir=" + work.string() +
                 ",index=off,metacopy=off,xino=off," + own);
}

void mount_volatile(const fs::path& target, bool for_everybody) {
    struct stat form {};
    if (stat(target.c_str(), &form) != 0) fail("cannot look at " + target.string());
    mount_at(target, "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV);
    const mode_t mode = for_everybody ? 01777 : form.st_mode & 07777;
    if (chown(target.c_str(), form.st_uid, form.st_gid) != 0 || chmod(target.c_str(), mode) != 0)
        fail("cannot set owner and mode of " + target.string());
}

/// For the shadow report: what is the guest's own can be told from the root's in the overlay alone. A guest whose disk
/// is full comes up without.
void keep_in_sight(const Profile& profile, const fs::path& root, const fs::path& overlay) try {
    put_folder(below(root, own_overlay), 0700);
    put_file(below(root, own_profile), kernel_parameters(profile) + " " + service_parameter(profile.services) + "\n",
             0600);
    bind(overlay, below(root, own_overlay));
    mount_attr read_only{.attr_set = MOUNT_ATTR_RDONLY, .attr_clr = 0, .propagation = 0, .userns_fd = 0};
    if (mount_setattr(AT_FDCWD, below(root, own_overlay).c_str(), 0, &read_only, sizeof read_only) != 0)
        fail("cannot make the view of the overlay read-only");
} catch (const Error& error) {
    say(error.what());
}

}  // namespace

void nest_mounts() {
    mount_at("/", "none", nullptr, MS_REC | MS_PRIVATE);
    // libvirt's own, where it has one: it tells the container's memory instead of the host's.
    const UniqueFd memory(open_tree(AT_FDCWD, "/proc/meminfo", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
    mount_at("/proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    if (memory) move_mount(memory.get(), "", AT_FDCWD, "/proc/meminfo", MOVE_MOUNT_F_EMPTY_PATH);
    mount_at("/run", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    put_folder("/dev/shm", 0755);
    mount_at("/dev/shm", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

void mask_boot_id(const fs::path& file) {
    put_file(file, read_if_there("/proc/sys/kernel/random/uuid").value_or(""), 0444);
    bind(file, kernel_boot_id);
}

void mount_kernel_file_systems() {
    for (const char* folder : {"/proc", "/sys", "/dev"}) put_folder(folder, 0755);
    mount_at("/proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_at("/sys", "sysfs", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC);
    mount_at("/dev", "devtmpfs", "devtmpfs", MS_NOSUID, "mode=0755");
    for (const char* folder : {"/dev/pts", "/dev/shm"}) put_folder(folder, 0755);
    mount_at("/dev/pts", "devpts", "devpts", MS_NOSUID | MS_NOEXEC, "mode=0620,gid=5");
    mount_at("/dev/shm", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777");
}

void mount_disks(const fs::path& root, const fs::path& overlay) {
    put_folder(root, 0755);
    put_folder(overlay, 0755);
    mount_at(root, root_disk, "squashfs", MS_RDONLY);
    // noinit_itable: no thread that writes while the guest is idle. discard: deleted files free space on the host.
    mount_at(overlay, overlay_disk, "ext4", MS_NOATIME, "noinit_itable,discard");
}

void lay_out(const Profile& profile, const fs::path& root, const fs::path& overlay, Inside inside) {
    const auto own = overlay / own_folder;
    for (const auto& path : profile.persistent) bind(below(overlay, path), below(root, path));
    for (const auto& path : profile.merged) {
        if (fs::is_directory(below(root, path)))
            merge_folder(below(root, path), below(overlay, path), below(own / "work", path), inside);
        else
            bind(below(overlay, path), below(root, path));
    }
    for (const auto& path : profile.volatile_) mount_volatile(below(root, path), path == "/tmp");
    put_folder(own / "state", 0700);
    fs::create_directories(below(root, own_state));  // a user may have removed it from a persistent /var
    bind(own / "state", below(root, own_state));
    keep_in_sight(profile, root, overlay);
    if (umount2(overlay.c_str(), MNT_DETACH) != 0) fail("cannot detach " + overlay.string());
}

void move_root(const fs::path& root) {
    mount_at(root / "run", "tmpfs", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755");
    for (const char* folder : {"proc", "sys", "dev"}) move(fs::path("/") / folder, root / folder);
    if (chdir(root.c_str()) != 0) fail("cannot enter " + root.string());
    move(".", "/");
    if (chroot(".") != 0 || chdir("/") != 0) fail("cannot make " + root.string() + " the root");
}

}  // namespace drover::guest
