#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "model/requests.hpp"

namespace drover {

/// Holds the registry, the hypervisor and the disk against each other, with eyes of its own: it reads the registry's
/// file by its own SQL, asks `virsh`, and looks at the state folder and the hosts file. It shares no code with the
/// engine, so that a mistake there is not made twice, and may run while the engine works.
class Fsck {
  public:
    /// What it looks with; tests bring their own.
    struct Tools {
        std::string virsh = "virsh";
        std::string nft = "nft";
        std::string hosts_file = "/etc/hosts";
        std::string interfaces = "/sys/class/net";  ///< a folder with an entry per network interface of the host
        std::chrono::milliseconds pause{2000};      ///< between the first look and the second
    };

    explicit Fsck(Config config);
    Fsck(Config config, Tools tools);

    /// What is wrong, by kind. `repair` of a finding says what would be done, or with `repair` what was done or why
    /// not; it is empty where a person has to decide, and then `detail` says what to do. Nothing is deleted but
    /// definitions of domains, names in DNS, and lines of our block in the hosts file; nothing foreign is touched.
    ///
    /// A finding is what two looks saw, a pause apart, of guests whose rows nobody wrote from the beginning of the
    /// first look to the end of the second: a step in progress is no finding. Well below a second where nothing is
    /// wrong, for 1000 guests some seconds, and one for each 300 MB of versions, which it reads. Error{unavailable}
    /// when it cannot look: then nothing was touched. Any thread.
    [[nodiscard]] std::vector<Finding> run(bool repair) const;

  private:
    Config config_;
    Tools tools_;
};

}  // namespace drover
