#pragma once
#include <mutex>
#include <optional>
#include <string>

#include "hypervisor/domains.hpp"
#include "registry/registry.hpp"
#include "storage/roots.hpp"

namespace drover {

/// Whether guests run under KVM. `auto` finds out by really running one, once per boot of the host: a device node that
/// opens proves nothing. Any thread; one probes, the others wait.
class Accelerator {
  public:
    /// `mode`: auto, kvm or tcg. `boot_id`: of the host's kernel.
    Accelerator(std::string mode, std::string boot_id, Domains& domains, Registry& registry)
        : mode_(std::move(mode)), boot_id_(std::move(boot_id)), domains_(domains), registry_(registry) {}

    /// True: KVM. May take some seconds the first time after a boot. A cloud image has no kernel to find out with: it
    /// is emulated while nothing else was started.
    bool kvm(const Version& version);
    /// "kvm", "tcg", or "unknown" while nothing was started yet.
    std::string name();

  private:
    std::optional<bool> known_locked();

    std::string mode_, boot_id_;
    Domains& domains_;
    Registry& registry_;
    std::mutex mutex_;
    std::optional<bool> kvm_;
};

}  // namespace drover
