#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "api/permission.hpp"
#include "api/routes.hpp"
#include "api/shadows.hpp"
#include "api/visible.hpp"
#include "network/traffic.hpp"

namespace drover::api {
namespace {

/// The owner that a request is for, by default the caller's own.
std::string owner_of(const Call& call, const GuestRequest& request) {
    if (!call.visible_owner) {
        if (request.owner) return *request.owner;
        throw Error(ErrorKind::usage, "whose guests? No owner is given", "name one with --owner");
    }
    if (call.visible_owner->empty()) {
        throw Error(ErrorKind::denied, fmt::format("account '{}' is no owner's login", call.caller.name),
                    "an administrator says: drover owner set NAME --login " + call.caller.name);
    }
    if (request.owner.value_or(*call.visible_owner) == *call.visible_owner) return *call.visible_owner;
    throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", *request.owner));
}

/// What the hooks say to it, filled in with all that it left open; as is_permitted().
bool may_be_made(const Doors& doors, const Call& call, GuestRequest request, const Reservation& reservation) {
    request.kind = reservation.kind;
    request.image = reservation.image;
    request.profile = reservation.profile;
    return is_permitted(doors, call, "request", wire::encode(request));
}

/// Whether the path is one of these or lies below one.
bool lies_in(const std::string& path, const std::vector<std::string>& folders) {
    return std::any_of(folders.begin(), folders.end(),
                       [&](const std::string& folder) { return path == folder || path.starts_with(folder + "/"); });
}

Canaries canaries_among(const std::vector<Guest>& guests, const Change& change) {
    Canaries canaries{.pending = {}, .settle = change.settle.value_or(Duration::zero())};
    for (const Guest& guest : guests)
        if (std::count(change.canaries.begin(), change.canaries.end(), guest.name) > 0)
            canaries.pending.insert(guest.id);
    return canaries;
}

/// Nothing: not yet, the guests are asked later what they hide.
std::optional<wire::Plan> plan_of(const Doors& doors, const Call& call, const Change& change) {
    const auto guests = doors.registry.guests.preview(call.caller, change, call.visible_owner);
    OperationRule rule{.policy = change.wave};
    if (!change.canaries.empty()) rule.canaries = canaries_among(guests, change);
    const auto forecasts = doors.herd.plan(guests, rule);
    wire::Plan plan{.verb = change.verb, .guests = {}, .ends_in = last_end(forecasts)};
    for (const Forecast& one : forecasts) plan.guests.push_back({one.name, one.begin, one.end});
    if (change.verb != Verb::upgrade && change.verb != Verb::rollback) return plan;
    const auto reports = shadows_of(doors, guests);
    if (!reports) return std::nullopt;
    std::map<std::string, wire::ShadowSight> sights;
    for (const ShadowReport& report : *reports) sights.emplace(report.name, sight_of(report));
    for (auto& guest : plan.guests) guest.shadows = sights[guest.name];
    return plan;
}

/// What only administrators may do, because it writes where others can see it; what a rebuild leaves lies on the
/// overlay.
void check_change(const Doors& doors, const Call& call, const Change& change) {
    const bool writes_files = change.verb == Verb::backup || change.verb == Verb::exporting;
    if (writes_files && !call.caller.administrator)
        throw Error(ErrorKind::denied, fmt::format("only administrators {} guests", to_text(change.verb)),
                    "drover snapshot keeps a copy");
    if (change.verb == Verb::exporting && std::filesystem::exists(std::filesystem::symlink_status(change.file)))
        throw Error(ErrorKind::refused, fmt::format("'{}' exists", change.file), "name a new file");
    if (change.keep.empty()) return;
    for (const Guest& guest : doors.registry.guests.preview(call.caller, change, call.visible_owner)) {
        const Profile& profile = doors.overlays.profile(guest.profile);
        for (const auto& path : change.keep)
            if (!lies_in(path, profile.persistent))
                throw Error(ErrorKind::refused, fmt::format("{} is no persistent path of '{}'", path, guest.name),
                            fmt::format("its own are: {}", fmt::join(profile.persistent, ", ")));
    }
}

}  // namespace

Guest visible_guest(const Doors& doors, const Call& call, const std::string& name) {
    auto guest = doors.registry.guests.named(name);
    if (!guest || (call.visible_owner && guest->owner != call.visible_owner)) {
        throw Error(ErrorKind::not_found, fmt::format("no guest '{}'", name), "drover list shows those that there are");
    }
    return *guest;
}

std::optional<Answer> list_guests(const Doors& doors, const Call& call) {
    const ListQuery query = wire::decode_list_query(call.target.parameters);
    Rows rows;
    for (const Guest& guest : doors.registry.guests.list(query, call.visible_owner)) {
        const wire::Json listing = wire::guest_listing(guest, doors.config.instance, doors.registry.networks());
        if (wire::listing_matches(listing, query.where)) rows.add(listing);
    }
    return std::move(rows).answer();
}

std::optional<Answer> show_guest(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Guest guest = visible_guest(doors, call, call.part(2));
    wire::Json shown = wire::guest_show(guest, doors.config.instance, doors.registry.networks());
    const auto pulse = doors.herd.pulse(guest.id);
    shown["levels"] = pulse && pulse->levels ? wire::encode(*pulse->levels) : wire::Json(nullptr);
    const auto traffic = traffic_of(doors.config.instance, guest.id);
    shown["traffic"] =
        traffic ? wire::Json{{"sent", traffic->sent}, {"received", traffic->received}} : wire::Json(nullptr);
    return answer(shown);
}

std::optional<Answer> request_guests(const Doors& doors, const Call& call) {
    if (is_being_asked(call)) return std::nullopt;
    wire::expect_none(call.target.parameters);
    GuestRequest request = wire::decode_guest_request(wire::parse(call.body), call.idempotency_key);
    request.owner = owner_of(call, request);
    const Reservation reservation = reservation_for(doors.makings(), request);
    doors.overlays.expect_room();
    const bool is_answered = !*call.permission && doors.registry.guests.is_answered(call.caller, request);
    if (!is_answered && !may_be_made(doors, call, request, reservation)) return std::nullopt;
    const GuestReservation reserved = doors.registry.guests.request(call.caller, request, reservation);
    doors.herd.nudge(doors.registry.guests.ids_in(reserved.operation));
    doors.pool_rounds.wake();
    return answer(wire::encode(reserved, reserved.created.empty() ? "done" : "running"), 202);
}

std::optional<Answer> change_guests(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Change change = wire::decode_change(wire::parse(call.body));
    check_change(doors, call, change);
    if (change.plan) {
        const auto plan = plan_of(doors, call, change);
        return plan ? std::optional(answer(wire::encode(*plan))) : std::nullopt;
    }
    const auto operation =
        change.verb == Verb::upgrade
            ? upgrade(doors, call, change)
            : doors.registry.guests.change(call.caller, change, call.visible_owner, doors.registry.networks());
    if (!operation) return std::nullopt;
    doors.herd.nudge(doors.registry.guests.ids_in(operation->id));
    return answer(wire::operation_with_items(*operation), 202);
}

std::optional<Answer> set_guests(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Setting setting = wire::decode_setting(wire::parse(call.body));
    if ((setting.owner || setting.lease) && !call.caller.administrator)
        throw Error(ErrorKind::denied, "only administrators give guests to another owner or lend them");
    auto names = wire::Json::array();
    std::vector<GuestId> ids;
    for (const Guest& guest : doors.registry.guests.set(call.caller, setting, call.visible_owner)) {
        names.push_back(guest.name);
        ids.push_back(guest.id);
    }
    if (setting.owner) {
        for (const GuestId id : ids)
            doors.firewall.sync(id);  // what was open is closed, and they have other neighbours
        doors.herd.nudge(ids);        // their keys are others now
    }
    if (setting.lease || setting.is_protected) doors.fleet.wake();
    return answer({{"changed", names}});
}

}  // namespace drover::api
