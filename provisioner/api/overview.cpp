#include "api/routes.hpp"
#include "herd/host_load.hpp"

namespace drover::api {
namespace {

constexpr int most_operations = 20;
constexpr int last_events = 10;

wire::Json number_or_null(const auto& value) { return value ? wire::Json(*value) : wire::Json(nullptr); }

wire::Json guests_of(const Doors& doors) {
    auto guests = wire::Json::array();
    for (const Crowd& crowd : doors.registry.guests.census())
        guests.push_back({{"kind", to_text(crowd.kind)},
                          {"phase", to_text(crowd.phase)},
                          {"desired", to_text(crowd.desired)},
                          {"owned", crowd.is_owned},
                          {"faulted", crowd.is_faulted},
                          {"count", crowd.count}});
    return guests;
}

wire::Json waves_of(const Doors& doors) {
    auto waves = wire::Json::array();
    for (const WaveSight& wave : doors.herd.waves())
        waves.push_back({{"class", to_text(wave.wave)},
                         {"in_flight", wave.under_way},
                         {"waiting", wave.waiting},
                         {"limit", wave.limit},
                         {"held_by", wave.held_by.empty() ? wire::Json(nullptr) : wire::Json(wave.held_by)}});
    return waves;
}

wire::Json load_of(const Doors& doors) {
    const HostLoad load = read_host_load(doors.config.state);
    return {{"cores", load.cores},
            {"memory_some", number_or_null(load.memory_some)},
            {"memory_full", number_or_null(load.memory_full)},
            {"io_some", number_or_null(load.io_some)},
            {"io_full", number_or_null(load.io_full)},
            {"free_memory", number_or_null(load.free_memory)},
            {"free_disk", number_or_null(load.free_disk)}};
}

}  // namespace

std::optional<Answer> show_overview(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    auto pools = wire::Json::array(), operations = wire::Json::array(), events = wire::Json::array();
    for (const PoolState& state : doors.pools.states()) pools.push_back(wire::encode(state));
    for (const Operation& operation : doors.registry.operations.running(most_operations))
        operations.push_back(wire::operation_listing(operation));
    const auto since = std::max(0LL, doors.registry.events.last() - last_events);
    for (const Event& event : doors.registry.events.since(since, last_events, std::nullopt))
        events.push_back(wire::encode(event));
    const auto consoles = doors.consoles.figures();
    return answer({{"instance", doors.config.instance},
                   {"version", DROVER_VERSION},
                   {"accelerator", doors.accelerator.name()},
                   {"host", doors.herd.host().is_stopped() ? "stopped" : "running"},
                   {"hypervisor_reachable", doors.herd.hypervisor_reachable()},
                   {"guests", guests_of(doors)},
                   {"waves", waves_of(doors)},
                   {"load", load_of(doors)},
                   {"pools", pools},
                   {"operations", operations},
                   {"events", events},
                   {"control_sessions", doors.herd.attached()},
                   {"consoles", {{"open", consoles.open}, {"visitors", consoles.visitors}}}});
}

}  // namespace drover::api
