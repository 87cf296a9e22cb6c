#include "api/reservation.hpp"

#include <fmt/format.h>

#include "model/error.hpp"

namespace drover {
namespace {

/// What cannot be of a cloud image's guest.
void check_cloud(const GuestRequest& request) {
    if (request.kind == Kind::container)
        throw Error(ErrorKind::refused, "a cloud image boots a kernel of its own: its guests are no containers",
                    "--kind vm");
    if (request.profile.value_or(cloud_profile) != cloud_profile)
        throw Error(ErrorKind::refused,
                    fmt::format("guests of a cloud image have no profile '{}': all of their disk is "
                                "their own",
                                *request.profile));
}

}  // namespace

Reservation reservation_for(const Makings& makings, const GuestRequest& request) {
    const Config& config = makings.config;
    Reservation reservation;
    reservation.kind = request.kind.value_or(Kind::vm);
    reservation.image = request.image.value_or(config.guest.image);
    reservation.version = makings.registry.images.current(reservation.image);
    const Version version = makings.roots.version(reservation.image, reservation.version);
    if (version.is_cloud())
        check_cloud(request);
    else
        static_cast<void>(makings.overlays.profile(request.profile.value_or(version.profile)));
    reservation.profile = request.profile.value_or(version.profile);
    reservation.network = makings.registry.networks().of(request.network.value_or(""));
    reservation.size = size_text(config.guest.memory, config.guest.cpus, config.guest.disk);
    if (reservation.kind == Kind::container && makings.mounts != nullptr)
        makings.mounts->expect_idmap(version.root, static_cast<unsigned>(config.containers.first_uid));
    return reservation;
}

}  // namespace drover
