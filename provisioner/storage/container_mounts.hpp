#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>

#include "model/guest.hpp"
#include "model/sync.hpp"
#include "model/unique_fd.hpp"
#include "storage/mounting.hpp"

namespace drover {

/// Lends a container its root and its overlay while libvirt starts it. From then on its own mount namespace holds them,
/// and the kernel lets go of all, loop devices included, whenever and however it ends: nothing of a running container
/// is mounted on the host, and there is nothing to clean up after. Any thread, any guests at once.
///
/// Both are idmapped: the container's users 0-65535 are 65536 of the host's that nobody else has. The overlay takes no
/// device nodes and no setuid for an answer. All containers of a version share one superblock, and so its cached pages.
class ContainerMounts {
  public:
    /// `folder` is for mount points alone; takes away what a killed daemon left in it.
    explicit ContainerMounts(std::filesystem::path folder);
    ~ContainerMounts();
    ContainerMounts(const ContainerMounts&) = delete;
    ContainerMounts& operator=(const ContainerMounts&) = delete;

    /// Where the domain of the guest looks for them.
    struct Place {
        std::string root, overlay;
    };
    [[nodiscard]] Place place(GuestId id) const;

    /// Ends what was lent.
    class Lease {
      public:
        explicit Lease(std::filesystem::path folder) : folder_(std::move(folder)) {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease();

      private:
        std::filesystem::path folder_;
    };
    /// Mounts the root of a version (its squashfs) and the guest's overlay (its image) where place() says. About 2 ms.
    /// An overlay that an earlier run of the guest still holds is waited for, 20 s. Error{failed} naming what cannot be
    /// mounted.
    [[nodiscard]] Lease lend(GuestId id, const std::string& root, const std::string& overlay, unsigned first_uid);
    /// Lets go of the root of a version that no container has any more: its file can be removed.
    void forget(const std::string& root);
    /// Error{refused} when this kernel cannot idmap such a root: its containers' root would be the host's.
    void expect_idmap(const std::string& root, unsigned first_uid);

  private:
    UniqueFd mount_root(const std::string& root, unsigned first_uid);
    std::string loop_of(const std::string& root);

    std::filesystem::path folder_;
    struct LentRoot {
        dev_t device = 0;
        ino_t inode = 0;  ///< another file may have taken its name
        LoopDevice loop;
    };
    Synchronized<std::map<std::string, LentRoot>> loops_;  ///< of each root that was lent
};

}  // namespace drover
