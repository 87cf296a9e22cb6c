#pragma once
#include "config/config.hpp"
#include "model/requests.hpp"
#include "registry/registry.hpp"
#include "storage/container_mounts.hpp"
#include "storage/overlays.hpp"
#include "storage/roots.hpp"

namespace drover {

/// What new guests are made of.
struct Makings {
    const Config& config;
    Registry& registry;
    Roots& roots;
    Overlays& overlays;
    ContainerMounts* mounts = nullptr;  ///< none: containers are simulated
};

/// What new guests of a request get, with all that it leaves open resolved. Error{not_found} for an image or a profile
/// that is not there, Error{refused} for what does not go together or not on this host.
Reservation reservation_for(const Makings& makings, const GuestRequest& request);

}  // namespace drover
