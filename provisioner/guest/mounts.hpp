#pragma once
#include <filesystem>
#include <string>

#include "model/profile.hpp"

/// Mounting, by the first program of a vm. Every failure is Error{failed} naming the mount point.
namespace drover::guest {

/// /proc, /sys and /dev with what belongs into it, in the initramfs.
void mount_kernel_file_systems();

/// The shared root, read-only, at `root`; the guest's overlay at `overlay`.
void mount_disks(const std::filesystem::path& root, const std::filesystem::path& overlay);

/// Lays the guest's own paths over the root, as its profile says, and last the guest's end's own /var/lib/drover. The
/// overlay must be seeded. Afterwards it is reachable through these paths alone, so that it is clean once they are
/// unmounted.
void lay_out(const Profile& profile, const std::filesystem::path& root, const std::filesystem::path& overlay);

/// Makes `root` the root of everything, with the kernel's file systems and a fresh /run in it.
void move_root(const std::filesystem::path& root);

}  // namespace drover::guest
