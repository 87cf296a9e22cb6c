#pragma once
#include <string>
#include <vector>

#include "model/probe.hpp"
#include "model/service.hpp"

namespace drover {

/// Which paths of a guest are its own, and which services it has. Read from overlays/<name>/overlay.yaml by storage;
/// told to the guest's first program on the kernel command line. Paths are absolute, disjoint and exist in the root;
/// everything else is read-only.
struct Profile {
    std::string name;
    std::vector<std::string> persistent;  ///< kept on the overlay, seeded from the root
    std::vector<std::string> merged;      ///< a folder: overlayfs with its upper on the overlay; a file: an own copy
    std::vector<std::string> volatile_;   ///< emptied at every boot
    std::string skeleton;                 ///< folder laid into a new overlay, or empty
    bool fork = true;                     ///< may be started from a template's memory
    std::vector<Probe> probes;            ///< what its guests are asked from the host
    std::vector<Service> services;        ///< by priority, then by name

    bool operator==(const Profile&) const = default;
};

/// The profile of guests of cloud images, which share no root: all of their disk is their own. There is no such file.
inline constexpr const char* cloud_profile = "cloud";
/// Why what is about a shared root is not done with such a guest; begins after its name.
inline constexpr const char* no_shared_root = "is of a cloud image, which has no shared root: update it from inside";

/// The kernel parameters that carry a profile to the guest:
/// "drover.persistent=/home,/root drover.merged=/etc/hosts drover.volatile=/tmp".
std::string kernel_parameters(const Profile& profile);

}  // namespace drover
