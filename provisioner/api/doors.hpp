#pragma once
#include <functional>
#include <vector>

#include "api/meters.hpp"
#include "api/reservation.hpp"
#include "config/config.hpp"
#include "console/consoles.hpp"
#include "doctor/doctor.hpp"
#include "fleet/fleet.hpp"
#include "fsck/fsck.hpp"
#include "health/health.hpp"
#include "herd/accelerator.hpp"
#include "herd/herd.hpp"
#include "herd/image_jobs.hpp"
#include "herd/shadows.hpp"
#include "herd/templates.hpp"
#include "hooks/hooks.hpp"
#include "network/firewall.hpp"
#include "network/guest_networks.hpp"
#include "pool/keeper.hpp"
#include "registry/registry.hpp"
#include "storage/container_mounts.hpp"
#include "storage/overlays.hpp"
#include "storage/roots.hpp"

namespace drover {

/// What the routes open; all outlive the API.
struct Doors {
    const Config& config;
    Registry& registry;
    Herd& herd;
    Shadows& shadows;
    Roots& roots;
    Overlays& overlays;
    Fleet& fleet;
    Health& health;
    PoolKeeper& pools;
    Rounds& pool_rounds;
    ImageJobs& image_jobs;
    Accelerator& accelerator;
    Fsck& fsck;
    Doctor& doctor;
    Hooks& hooks;
    Consoles& consoles;
    Firewall& firewall;
    ApiMeters& api_meters;
    std::vector<std::pair<Kind, const CallMeter*>> hypervisors;  ///< what their calls cost
    std::function<std::vector<NetworkSight>()> networks;         ///< whether each of the plan runs
    Templates* templates = nullptr;                              ///< none: nothing can be forked
    ContainerMounts* mounts = nullptr;                           ///< none: containers are simulated

    [[nodiscard]] Makings makings() const { return {config, registry, roots, overlays, mounts}; }
};

}  // namespace drover
