#include "wire/fields.hpp"
#include "wire/wire.hpp"

namespace drover::wire {
namespace {

Json encode(const NetworkReport::Member& guest) {
    return {{"name", guest.name},
            {"owner", text_or_null(guest.owner)},
            {"phase", guest.phase},
            {"addresses", guest.addresses},
            {"openings", guest.openings}};
}

template <typename Value> Json if_there(const std::optional<Value>& value) {
    return value ? Json(to_text(*value)) : Json(nullptr);
}

}  // namespace

Json encode(const NetworkReport& report) {
    const Network& network = report.network;
    Json result{{"name", shown_network(network.name)}, {"mode", to_text(network.mode)}};
    if (report.room) {
        result["state"] = report.runs ? "up" : "down";
        result["trouble"] = text_or_null(report.trouble);
        result["network"] = network.title;
        result["bridge"] = network.bridge;
        result["vlan"] = network.vlan == 0 ? Json(nullptr) : Json(network.vlan);
        result["cidr"] = to_text(network.subnet);
        result["cidr6"] = if_there(network.subnet6);
        result["gateway"] = to_text(network.gateway);
        result["gateway6"] = if_there(network.gateway6);
        result["dns"] = to_text(network.dns);
        result["traffic"] = to_text(network.guests);
        result["addresses"] = {
            {"used", report.room->used}, {"resting", report.room->resting}, {"free", report.room->free}};
    }
    result["guests"] = Json::array();
    for (const auto& guest : report.guests) result["guests"].push_back(encode(guest));
    return result;
}

}  // namespace drover::wire
