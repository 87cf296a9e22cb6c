#include "api/shadows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/routes.hpp"

namespace drover::api {
namespace {

/// Of a version that it has already: what it hides of that since it ran the one before.
ShadowCase case_of(const Doors& doors, const Guest& guest, const std::optional<Images::Named>& named) {
    if (named && named->image != guest.image)
        return {guest, guest.have.version, "",
                fmt::format("is of image '{}', the version of '{}'", guest.image, named->image)};
    const auto to = named ? named->digest : doors.registry.images.current(guest.image);
    if (guest.have.version == to) return {guest, guest.previous, to};
    return {guest, guest.have.version, to};
}

wire::ShadowRow row_of(const ShadowReport& report) {
    return {.name = report.name,
            .from = report.from,
            .to = report.to,
            .asked = report.asked,
            .left_out = report.left_out,
            .sight = sight_of(report)};
}

}  // namespace

std::optional<std::vector<ShadowReport>> shadows_of(const Doors& doors, const std::vector<Guest>& guests) {
    std::vector<ShadowCase> cases;
    cases.reserve(guests.size());
    for (const Guest& guest : guests) cases.push_back({guest, guest.have.version, guest.want.version});
    return doors.shadows.look(cases);
}

wire::ShadowSight sight_of(const ShadowReport& report) { return {report.shadows, report.unknown}; }

std::optional<Operation> upgrade(const Doors& doors, const Call& call, const Change& change) {
    const auto reports = shadows_of(doors, doors.registry.guests.preview(call.caller, change, call.visible_owner));
    if (!reports) return std::nullopt;
    const auto held = doors.shadows.apply(change.shadows.value_or(doors.config.upgrade_shadows), *reports);
    const auto operation =
        doors.registry.guests.change(call.caller, change, call.visible_owner, doors.registry.networks(), held);
    doors.shadows.tell(operation.id, *reports);
    return operation;
}

std::optional<Answer> show_shadows(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const ShadowQuery query = wire::decode_shadow_query(wire::parse(call.body));
    const auto guests = doors.registry.guests.meant(query.selection, call.visible_owner);
    std::optional<Images::Named> named;
    if (query.to) named = doors.registry.images.meant(*query.to);
    std::vector<ShadowCase> cases;
    for (const Guest& guest : guests) cases.push_back(case_of(doors, guest, named));
    const auto reports = doors.shadows.look(cases);
    if (!reports) return std::nullopt;
    Rows rows;
    for (const ShadowReport& report : *reports) rows.add(wire::encode(row_of(report)));
    return std::move(rows).answer();
}

}  // namespace drover::api
