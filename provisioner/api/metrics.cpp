#include "api/metrics.hpp"

#include <fmt/format.h>

#include <map>
#include <tuple>

#include "api/metrics_page.hpp"
#include "api/process_facts.hpp"
#include "api/routes.hpp"
#include "herd/host_load.hpp"
#include "network/traffic.hpp"

namespace drover {
namespace {

using Labels = MetricsPage::Labels;

double number(long long value) { return static_cast<double>(value); }
std::string word(auto value) { return std::string(to_text(value)); }

Labels with(Labels labels, const std::string& state) {
    labels.push_back({"state", state});
    return labels;
}

void add_pool(MetricsPage& page, const PoolState& state) {
    const Pool& pool = state.pool;
    const Labels labels{{"image", pool.key.image}, {"profile", pool.key.profile}, {"kind", word(pool.key.kind)}};
    const auto* members = "Members of a pool by what they are";
    page.gauge("drover_pool_members", members, with(labels, "parked"), number(state.levels.parked));
    page.gauge("drover_pool_members", members, with(labels, "stopped"), number(state.levels.stopped));
    page.gauge("drover_pool_members", members, with(labels, "making"), number(state.levels.making));
    page.gauge("drover_pool_members", members, with(labels, "outdated"), number(state.levels.outdated));
    const auto* target = "How many members there are to be";
    page.gauge("drover_pool_target", target, with(labels, "parked"), number(state.parked_target));
    page.gauge("drover_pool_target", target, with(labels, "stopped"), number(pool.targets.stopped));
    page.gauge("drover_pool_refill_per_minute", "Members that the pool makes in a minute, at its pace", labels,
               state.per_minute);
    page.gauge("drover_pool_breaker_open", "1 while the pool rests after failures", labels, state.retry_in ? 1 : 0);
    page.counter("drover_pool_made_total", "Members that were made", labels, number(pool.made));
    page.counter("drover_pool_taken_total", "Members that were handed out", labels, number(pool.taken));
}

/// A herd without guests has these metrics, too.
void add_guests(MetricsPage& page, Registry& registry) {
    std::map<std::tuple<Kind, Phase, Desired>, long long> guests;
    std::map<Kind, long long> faulted{{Kind::vm, 0}, {Kind::container, 0}};
    for (const Kind kind : {Kind::vm, Kind::container}) guests[{kind, Phase::ready, Desired::ready}] = 0;
    for (const Crowd& crowd : registry.guests.census()) {
        guests[{crowd.kind, crowd.phase, crowd.desired}] += crowd.count;
        if (crowd.is_faulted) faulted[crowd.kind] += crowd.count;
    }
    for (const auto& [key, count] : guests) {
        const auto& [kind, phase, desired] = key;
        page.gauge("drover_guests", "Guests by what they are and are to be, gone ones left out",
                   {{"kind", word(kind)}, {"phase", word(phase)}, {"desired", word(desired)}}, number(count));
    }
    for (const auto& [kind, count] : faulted)
        page.gauge("drover_guests_faulted", "Guests that were given up until somebody asks for them",
                   {{"kind", word(kind)}}, number(count));
}

void add_herd(MetricsPage& page, const Herd& herd) {
    const HerdMeters& meters = herd.meters();
    for (std::size_t i = 1; i < meters.steps.size(); ++i) {  // 0: none
        const Labels labels{{"step", word(static_cast<Step>(i))}};
        page.counter("drover_steps_failed_total", "Steps that failed and cost their guest an attempt", labels,
                     number(meters.steps.at(i).failed.value()));
        page.histogram("drover_step_duration_seconds", "How long steps took that did what they were to do", labels,
                       meters.steps.at(i).done);
    }
    for (std::size_t i = 0; i < meters.ready.size(); ++i)
        page.histogram("drover_start_duration_seconds", "From the step that set out to READY, by how it started",
                       {{"started_by", HerdMeters::started_by.at(i)}}, meters.ready.at(i));
    page.counter("drover_faults_total", "Guests that were given up", {}, number(meters.faults.value()));
    page.counter("drover_corrections_total", "Times that a guest was not what its row said", {},
                 number(meters.corrections.value()));
    page.gauge("drover_control_sessions", "Guests whose control channel is open", {}, number(herd.attached()));
    page.gauge("drover_hypervisor_reachable", "1 while the hypervisor answers", {},
               herd.hypervisor_reachable() ? 1 : 0);
}

void add_waves(MetricsPage& page, const Herd& herd) {
    for (const WaveSight& wave : herd.waves()) {
        const Labels labels{{"class", word(wave.wave)}};
        page.gauge("drover_wave_in_flight", "Guests that are under way", labels, number(wave.under_way));
        page.gauge("drover_wave_waiting", "Guests that wait in line", labels, number(wave.waiting));
        page.gauge("drover_wave_limit", "How many may be under way, as the adaptive rule has found", labels,
                   wave.limit);
    }
}

void add_health(MetricsPage& page, const Doors& doors) {
    for (const auto& [action, count] : doors.registry.heals.tallies())
        page.counter("drover_heals_total", "Times that something was done for a guest that fell silent or over",
                     {{"action", action}}, number(count));
    const HealthState state = doors.health.state();
    const auto* guests = "Guests that health looks after, those of them that say nothing, and those being healed";
    page.gauge("drover_health_guests", guests, {{"state", "watched"}}, number(state.watched));
    page.gauge("drover_health_guests", guests, {{"state", "silent"}}, number(state.silent));
    page.gauge("drover_health_guests", guests, {{"state", "healing"}}, number(state.healing));
    for (const Ladder ladder : {Ladder::watching, Ladder::suspended, Ladder::paused})
        page.gauge("drover_health_ladder", "1 for what the ladder does", {{"state", word(ladder)}},
                   state.ladder == ladder ? 1 : 0);
}

void add_work(MetricsPage& page, Registry& registry) {
    double running = 0;
    for (const auto& tally : registry.operations.tallies()) {
        page.gauge("drover_operations", "Operations that the registry remembers",
                   {{"verb", tally.verb}, {"outcome", tally.outcome}}, number(tally.count));
        if (tally.outcome == "running") running += number(tally.count);
    }
    page.calls("drover_registry_write", "Writes to the registry", {}, registry.writes());
    page.counter("drover_events_total", "Events that were told, ever", {}, number(registry.events.last()));
    page.gauge("drover_operations_running", "Operations that have not ended", {}, running);
}

void add_api(MetricsPage& page, const ApiMeters& meters) {
    for (std::size_t i = 0; i < routes().size(); ++i) {
        const Route& route = routes()[i];
        const std::string name = fmt::format("{} {}", route.method, route.path);
        const auto& of = meters.of(i);
        for (std::size_t s = 0; s < ApiMeters::statuses.size(); ++s)
            if (const auto count = of.answers.at(s).value(); count > 0)
                page.counter("drover_api_requests_total", "Answers of the API",
                             {{"route", name}, {"status", std::to_string(ApiMeters::statuses.at(s))}}, number(count));
        if (of.took.read().count() > 0)
            page.histogram("drover_api_request_duration_seconds",
                           "From a call's coming to its answer; calls that waited for news are left out",
                           {{"route", name}}, of.took);
    }
}

void add_networks(MetricsPage& page, const Doors& doors) {
    for (const Network& network : doors.registry.networks().all()) {
        const auto count = doors.registry.guests.count_addresses(network);
        const Labels labels{{"network", shown_network(network.name)}};
        const auto* help = "Addresses of a network: guests', in quarantine, free";
        page.gauge("drover_network_addresses", help, with(labels, "used"), number(count.used));
        page.gauge("drover_network_addresses", help, with(labels, "quarantine"), number(count.resting));
        page.gauge("drover_network_addresses", help, with(labels, "free"), number(count.free));
    }
    for (const auto& sight : doors.networks())
        page.gauge("drover_network_up", "1 while the network runs", {{"network", shown_network(sight.name)}},
                   sight.runs ? 1 : 0);
}

void add_consoles(MetricsPage& page, const Consoles& consoles) {
    const auto figures = consoles.figures();
    page.gauge("drover_consoles_open", "Consoles that are read", {}, number(static_cast<long long>(figures.open)));
    page.gauge("drover_console_visitors", "People at consoles", {}, number(static_cast<long long>(figures.visitors)));
    page.counter("drover_console_bytes_total", "Bytes that guests printed on their consoles", {},
                 number(figures.bytes));
    page.counter("drover_console_log_failures_total", "Writes of console logs that failed", {}, number(figures.errors));
}

/// As the guests see it; a guest without a line has none.
void add_traffic(MetricsPage& page, const Doors& doors) {
    const auto traffic = all_traffic(doors.config.instance);
    const auto* bytes = "Bytes over a guest's line since it was started";
    const auto* packets = "Packets over a guest's line since it was started";
    for (const Guest& guest : doors.registry.guests.list({}, std::nullopt)) {
        const auto found = traffic.find(guest.id);
        if (found == traffic.end()) continue;
        const auto add = [&](const char* direction, long long count, long long pieces) {
            const Labels labels{{"guest", guest.name}, {"direction", direction}};
            page.counter("drover_guest_network_bytes_total", bytes, labels, number(count));
            page.counter("drover_guest_network_packets_total", packets, labels, number(pieces));
        };
        add("sent", found->second.sent, found->second.sent_packets);
        add("received", found->second.received, found->second.received_packets);
    }
    const auto open = doors.registry.openings.list({}, std::nullopt);
    page.gauge("drover_openings", "Ports of guests that are open", {}, number(static_cast<long long>(open.size())));
}

void add_load(MetricsPage& page, const Config& config) {
    const HostLoad load = read_host_load(config.state);
    const auto pressure = [&](const char* resource, const char* share, const std::optional<double>& percent) {
        if (percent)
            page.gauge("drover_host_pressure_ratio", "Share of the last 10 s in which some or all work waited",
                       {{"resource", resource}, {"share", share}}, *percent / 100);
    };
    pressure("memory", "some", load.memory_some);
    pressure("memory", "full", load.memory_full);
    pressure("io", "some", load.io_some);
    pressure("io", "full", load.io_full);
    page.gauge("drover_host_cores", "Cores that the daemon may use", {}, load.cores);
    if (load.free_memory)
        page.gauge("drover_host_memory_available_bytes", "Memory that is available", {}, number(*load.free_memory));
    if (load.free_disk)
        page.gauge("drover_state_free_bytes", "Room on the file system of the state folder", {},
                   number(*load.free_disk));
}

void add_process(MetricsPage& page, const ProcessFacts& facts) {
    page.counter("process_cpu_seconds_total", "Processor time of droverd", {}, facts.cpu_seconds);
    page.gauge("process_resident_memory_bytes", "Memory of droverd", {}, facts.resident_bytes);
    page.gauge("process_open_fds", "Files that droverd has open", {}, facts.open_files);
    page.gauge("process_max_fds", "Files that droverd may have open", {}, facts.most_files);
    page.gauge("process_threads", "Threads of droverd", {}, facts.threads);
    page.gauge("process_start_time_seconds", "When droverd started, since 1970", {}, facts.started);
}

}  // namespace

std::string metrics_text(const Doors& doors) {
    MetricsPage page;
    page.gauge("drover_build_info", "1; what runs here", {{"version", DROVER_VERSION}, {"herd", doors.config.instance}},
               1);
    add_guests(page, doors.registry);
    add_herd(page, doors.herd);
    add_waves(page, doors.herd);
    for (const PoolState& state : doors.pools.states()) add_pool(page, state);
    add_health(page, doors);
    add_work(page, doors.registry);
    add_networks(page, doors);
    for (const auto& [kind, meter] : doors.hypervisors)
        page.calls("drover_libvirt_call", "Calls to libvirt", {{"kind", word(kind)}}, *meter);
    page.calls("drover_hook", "Runs of hooks", {}, doors.hooks.meter());
    add_api(page, doors.api_meters);
    add_consoles(page, doors.consoles);
    add_traffic(page, doors);
    add_load(page, doors.config);
    add_process(page, read_process_facts());
    return page.text();
}

}  // namespace drover
