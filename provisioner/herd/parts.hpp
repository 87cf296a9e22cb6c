#pragma once
#include <functional>
#include <string>

#include "config/config.hpp"
#include "console/consoles.hpp"
#include "herd/accelerator.hpp"
#include "hypervisor/domains.hpp"
#include "hypervisor/forks.hpp"
#include "network/firewall.hpp"
#include "network/names.hpp"
#include "registry/registry.hpp"
#include "storage/container_mounts.hpp"
#include "storage/copy_store.hpp"
#include "storage/overlays.hpp"
#include "storage/roots.hpp"

namespace drover {

class Templates;

/// What the herd works with; all outlive it.
struct Parts {
    const Config& config;
    Registry& registry;
    Domains& domains;
    Names& names;
    Roots& roots;
    Overlays& overlays;
    CopyStore& copies;
    Accelerator& accelerator;
    std::string qemu_user;               ///< "+uid:+gid"
    std::function<void()> prepare_host;  ///< makes the network and its names what they should be; before each look
    std::string boot_id = "boot";        ///< of this host
    ContainerMounts* mounts = nullptr;   ///< none: containers are simulated
    Forks* forks = nullptr;              ///< none: nothing can be forked here
    Templates* templates = nullptr;      ///< there where forks are
    Consoles* consoles = nullptr;        ///< none: nobody looks at what guests print
    Firewall* firewall = nullptr;        ///< none: no rules are made for guests
    std::function<bool(const Guest&)> may_go{};  ///< whether a guest may be retired now; not: again in a second
};

}  // namespace drover
