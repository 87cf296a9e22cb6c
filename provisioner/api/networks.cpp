#include <algorithm>
#include <map>

#include "api/routes.hpp"

namespace drover::api {
namespace {

using Members = std::map<std::string, std::vector<wire::NetworkReport::Member>>;

/// Those that the caller may see, by network.
Members members_of(const Doors& doors, const Call& call) {
    std::map<GuestId, std::vector<std::string>> open;
    for (const Opening& opening : doors.registry.openings.list({}, call.visible_owner))
        open[opening.guest].push_back(to_text(opening.port));
    Members members;
    for (const Guest& guest : doors.registry.guests.list({}, call.visible_owner)) {
        wire::NetworkReport::Member member{
            guest.name, guest.owner.value_or(""), std::string(to_text(guest.phase)), {to_text(guest.address)}};
        if (const auto address6 = doors.registry.networks().address6(guest.network, guest.address))
            member.addresses.push_back(to_text(*address6));
        member.openings = std::move(open[guest.id]);
        members[guest.network].push_back(std::move(member));
    }
    return members;
}

wire::NetworkReport::Room room_of(const Doors& doors, const Network& network) {
    const auto count = doors.registry.guests.count_addresses(network);
    return {.used = count.used, .resting = count.resting, .free = count.free};
}

}  // namespace

std::optional<Answer> list_networks(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    auto members = members_of(doors, call);
    const auto sights = doors.networks();
    Rows rows;
    for (const Network& network : doors.registry.networks().all()) {
        wire::NetworkReport report{.network = network};
        const auto sight = std::ranges::find(sights, network.name, &NetworkSight::name);
        report.runs = sight != sights.end() && sight->runs;
        if (sight != sights.end()) report.trouble = sight->trouble;
        if (!call.visible_owner) report.room = room_of(doors, network);
        report.guests = std::move(members[network.name]);
        rows.add(wire::encode(report));
    }
    return std::move(rows).answer();
}

}  // namespace drover::api
