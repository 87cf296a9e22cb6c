#include <fmt/format.h>

#include <algorithm>

#include "api/permission.hpp"
#include "api/routes.hpp"
#include "storage/archive.hpp"

namespace drover::api {
namespace {

/// What the archive's guest becomes here; the image has to be here, in whatever version.
Reservation reservation_for(const Doors& doors, const ArchiveFacts& facts) {
    Reservation reservation;
    reservation.kind = facts.kind;
    reservation.image = facts.image;
    reservation.version = doors.registry.images.current(facts.image);
    const bool is_cloud = doors.roots.version(reservation.image, reservation.version).is_cloud();
    if (is_cloud != (facts.profile == cloud_profile) || (is_cloud && facts.kind != Kind::vm))
        throw Error(ErrorKind::refused, fmt::format("the image '{}' is of another kind here", facts.image));
    if (!is_cloud) static_cast<void>(doors.overlays.profile(facts.profile));
    reservation.profile = facts.profile;
    reservation.network = doors.registry.networks().of("");
    return reservation;
}

}  // namespace

std::optional<Answer> list_copies(const Doors& doors, const Call& call) {
    const auto globs = wire::decode_copy_query(call.target.parameters);
    Rows rows;
    for (const Copy& copy : doors.registry.copies.list(globs, call.visible_owner)) rows.add(wire::encode(copy));
    return std::move(rows).answer();
}

std::optional<Answer> remove_copy(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Copy copy = doors.registry.copies.begin_removal(call.caller, call.part(2), call.part(4), call.visible_owner);
    doors.fleet.remove(copy);
    return answer({{"guest", copy.guest_name}, {"name", copy.name}});
}

std::optional<Answer> import_guest(const Doors& doors, const Call& call) {
    if (is_being_asked(call)) return std::nullopt;
    wire::expect_none(call.target.parameters);
    const GuestImport wanted = wire::decode_import(wire::parse(call.body));
    const Reservation reservation = reservation_for(doors, read_archive(wanted.file));
    if (!is_permitted(doors, call, "import", wire::encode(wanted))) return std::nullopt;
    const GuestReservation reserved = doors.registry.guests.import(call.caller, wanted, reservation);
    doors.herd.nudge(doors.registry.guests.ids_in(reserved.operation));
    return answer(wire::encode(reserved, "running"), 202);
}

}  // namespace drover::api
