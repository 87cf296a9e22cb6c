#pragma once
#include <string>

namespace drover {

/// Where an image's recipe, the profiles and the state are. Absolute paths.
struct StoragePaths {
    std::string state{};                                  ///< /var/lib/drover
    std::string images{};                                 ///< share/drover/images: a folder per image
    std::string profiles{};                               ///< share/drover/overlays: a folder per profile
    std::string guest_end{};                              ///< libexec/drover/drover-guest: put into every image
    std::string own_images{};                             ///< the administrator's recipes; empty: none
    std::string packages = "/var/cache/drover/packages";  ///< fetched packages, shared by all instances
};

}  // namespace drover
