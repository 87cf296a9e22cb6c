#pragma once
#include <filesystem>
#include <string>

#include "model/unique_fd.hpp"

/// The kernel's calls for loop devices, mounts that are nowhere yet, and idmaps. Any thread. Error{failed} naming the
/// file.
namespace drover {

/// A file as a block device; the kernel takes it apart when nobody has it open or mounted any more.
struct LoopDevice {
    std::string path;  ///< "/dev/loop7"
    UniqueFd device;
};
LoopDevice attach_loop(const std::filesystem::path& file, bool read_only);

/// The same for a file that only one may have at a time, in the whole system: waits up to 20 s for the other to let go.
LoopDevice attach_loop_alone(const std::filesystem::path& file);

/// A file system on a block device, mounted nowhere yet: squashfs, without device nodes; or ext4, also without setuid.
/// Further calls for the same device share its superblock.
UniqueFd mount_squashfs(const std::string& device);
UniqueFd mount_ext4(const std::string& device);

/// Has the mount show the file system's users 0-65535 as 65536 others, from `first` on; groups alike.
void idmap(const UniqueFd& mount, unsigned first);

/// Puts a mount at a folder; takes away whatever is mounted there, nothing: nothing.
void attach(const UniqueFd& mount, const std::filesystem::path& folder);
void detach(const std::filesystem::path& folder);

/// Makes the folder a mount of its own: what is mounted below it does not spread to copies of it in other namespaces.
void make_private(const std::filesystem::path& folder);

}  // namespace drover
