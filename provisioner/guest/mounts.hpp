#pragma once
#include <filesystem>
#include <string>

#include "model/profile.hpp"

/// Mounting, by the first program of a guest. Every failure is Error{failed} naming the mount point.
namespace drover::guest {

/// /proc, /sys and /dev with what belongs into it, in the initramfs.
void mount_kernel_file_systems();

/// The shared root, read-only, at `root`; the guest's overlay at `overlay`.
void mount_disks(const std::filesystem::path& root, const std::filesystem::path& overlay);

/// What the guest runs in.
enum class Inside { vm, container };

/// Where the guest's end keeps its own things in the running guest, and below it sees the whole overlay, read-only.
inline constexpr const char* own_state = "/var/lib/drover";
inline constexpr const char* own_overlay = "/var/lib/drover/overlay";
/// The profile that was laid out, as on the kernel command line.
inline constexpr const char* own_profile = "/var/lib/drover/profile";

/// Lays the guest's own paths over the root, as its profile says, and last the guest's end's own /var/lib/drover. The
/// overlay must be seeded. Afterwards it is reachable through these paths alone, so that it is clean once they are
/// unmounted.
void lay_out(const Profile& profile, const std::filesystem::path& root, const std::filesystem::path& overlay,
             Inside inside);

/// In new pid and mount namespaces inside a container's: a /proc of their own and fresh /run and /dev/shm, all of which
/// end with them.
void nest_mounts();

/// Has the kernel tell the boot id that is in `file`, as long as that is the same file. The file gets a random one: a
/// container's kernel tells the host's, a fork's the template's.
void mask_boot_id(const std::filesystem::path& file);
inline constexpr const char* kernel_boot_id = "/proc/sys/kernel/random/boot_id";

/// Makes `root` the root of everything, with the kernel's file systems and a fresh /run in it.
void move_root(const std::filesystem::path& root);

}  // namespace drover::guest
