#include "network/guest_networks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "model/error.hpp"
#include "model/failpoint.hpp"
#include "network/ports.hpp"

namespace drover {

GuestNetworks::GuestNetworks(std::string instance, std::string registry, std::vector<Part> parts, Ways ways)
    : instance_(std::move(instance)),
      registry_(std::move(registry)),
      parts_(std::move(parts)),
      ways_(std::move(ways)) {}

void GuestNetworks::ensure() {
    std::exception_ptr trouble;
    for (const Part& part : parts_) {
        NetworkSight sight{part.network.name, false, ""};
        try {
            ensure(part, sight);
        } catch (const Error& error) {
            sight.trouble = error.what();
            if (part.network.name.empty()) trouble = std::current_exception();
        }
        std::string before;
        {
            auto state = state_.lock();
            before = state->sights[sight.name].trouble;
            state->sights[sight.name] = sight;
        }
        if (!sight.trouble.empty() && sight.trouble != before && !sight.name.empty())
            ways_.tell(fmt::format("the network {} cannot be used: {}", part.network.title, sight.trouble));
    }
    if (trouble) std::rethrow_exception(trouble);
    plug_in_guests();
}

/// One that ran when it was last looked after was stopped or removed by somebody else.
void GuestNetworks::ensure(const Part& part, NetworkSight& sight) {
    const bool was_down = part.door.ensure(spec_of(part.network, instance_, registry_));
    failpoint("network.ensured");
    sight.runs = true;
    const bool ran = state_.lock()->sights[sight.name].runs;
    if (was_down && ran)
        ways_.tell(fmt::format("the network {} was not there or not running any more: it was started again",
                               part.network.title));
}

void GuestNetworks::plug_in_guests() {
    const auto bridge_of = [&](GuestId id) -> std::string {
        const auto name = ways_.network_of(id);
        const auto part = std::ranges::find_if(parts_, [&](const Part& it) { return it.network.name == name; });
        return part == parts_.end() ? "" : part->network.bridge;
    };
    const auto plugged = plug_in(instance_, bridge_of);
    if (plugged.empty()) return;
    ways_.tell(fmt::format("{} guests had lost their network and are plugged in again: {}", plugged.size(),
                           fmt::join(plugged.begin(), plugged.begin() + std::min<long>(plugged.size(), 10), " ")));
}

std::vector<NetworkSight> GuestNetworks::sights() {
    auto state = state_.lock();
    std::vector<NetworkSight> sights;
    for (const Part& part : parts_) {
        auto& sight = state->sights[part.network.name];
        sight.name = part.network.name;
        sights.push_back(sight);
    }
    return sights;
}

}  // namespace drover
