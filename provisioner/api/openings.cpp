#include <fmt/format.h>

#include "api/routes.hpp"
#include "api/visible.hpp"
#include "model/failpoint.hpp"
#include "network/host_port.hpp"

namespace drover::api {
namespace {

/// "/v1/guests/alice-1/openings/1098/tcp"
ServicePort port_of(const Call& call) { return parse_service_port(call.part(4) + "/" + call.part(5)); }

Openings::Rules rules_for(const Doors& doors, const Guest& guest) {
    const Network& network = doors.registry.networks().of(guest.network);
    const auto shown = shown_network(network.name);
    if (network.mode == NetworkMode::isolated)
        throw Error(ErrorKind::refused, fmt::format("'{}' is in network {}, which has no outside", guest.name, shown));
    if (network.mode == NetworkMode::bridge)
        throw Error(ErrorKind::refused,
                    fmt::format("'{}' is in network {}, a bridge of the site's: who comes in is not ours to say",
                                guest.name, shown));
    return {doors.config.openings, network, is_free_on_host};
}

/// A port that cannot be opened now is not said to be open later.
void take_effect(const Doors& doors, const Call& call, const Openings::Opened& opened) {
    try {
        doors.firewall.sync(opened.opening.guest);
    } catch (const Error&) {
        if (opened.is_new) doors.registry.openings.close(call.caller, opened.opening);
        throw;
    }
    failpoint("opening.opened");
}

wire::Json with_outcome(const Opening& opening, const char* outcome) {
    auto result = wire::encode(opening);
    result["outcome"] = outcome;
    return result;
}

}  // namespace

std::optional<Answer> list_openings(const Doors& doors, const Call& call) {
    const auto globs = wire::decode_copy_query(call.target.parameters);
    Rows rows;
    for (const Opening& opening : doors.registry.openings.list(globs, call.visible_owner))
        rows.add(wire::encode(opening));
    return std::move(rows).answer();
}

/// The row first: whatever ends the daemon, no port is open that no row tells of.
std::optional<Answer> open_port(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto request = wire::decode_opening_request(call.part(2), wire::parse(call.body));
    const Guest guest = visible_guest(doors, call, request.guest);
    const auto opened = doors.registry.openings.open(call.caller, request, call.visible_owner, rules_for(doors, guest));
    take_effect(doors, call, opened);
    return answer(with_outcome(opened.opening, opened.is_new ? "opened" : "unchanged"));
}

std::optional<Answer> extend_opening(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto lasts = wire::decode_extension(wire::parse(call.body));
    const Guest guest = visible_guest(doors, call, call.part(2));
    const auto opening = doors.registry.openings.extend(call.caller, guest.name, port_of(call), lasts,
                                                        call.visible_owner, doors.config.openings);
    doors.firewall.sync(opening.guest);
    failpoint("opening.extended");
    return answer(with_outcome(opening, "extended"));
}

/// The row last, for the same reason.
std::optional<Answer> close_port(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Guest guest = visible_guest(doors, call, call.part(2));
    const auto opening = doors.registry.openings.get(guest.name, port_of(call), call.visible_owner);
    doors.firewall.shut(opening);
    failpoint("opening.closed");
    doors.registry.openings.close(call.caller, opening);
    doors.firewall.sync(opening.guest);
    return answer({{"guest", opening.guest_name}, {"port", to_text(opening.port)}});
}

}  // namespace drover::api
