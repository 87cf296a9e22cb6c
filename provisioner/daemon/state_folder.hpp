#pragma once
#include <string>

#include "model/unique_fd.hpp"

namespace drover {

/// The state folder of an instance, made if missing (0711: QEMU's user passes through, nobody lists it), and held alone
/// for as long as this lives.
class StateFolder {
  public:
    /// Error{refused} when another daemon holds it for two seconds.
    explicit StateFolder(const std::string& path);

  private:
    UniqueFd lock_;
};

/// Where what is installed with this program is found: from build/<preset>/bin in a source tree, else under the prefix.
struct Installed {
    std::string images, profiles, migrations, guest_end;
};
Installed find_installed();

/// "+uid:+gid" of the account that libvirt runs QEMU as. Error{failed} when there is none.
std::string qemu_user();

/// The boot id of the host's kernel.
std::string kernel_boot_id();

}  // namespace drover
