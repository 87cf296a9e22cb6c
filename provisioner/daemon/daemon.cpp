#include "daemon/daemon.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "api/callers.hpp"
#include "api/metrics.hpp"
#include "api/metrics_port.hpp"
#include "api/routes.hpp"
#include "api/server.hpp"
#include "daemon/hypervisor.hpp"
#include "daemon/state_folder.hpp"
#include "health/prober.hpp"
#include "herd/host_load.hpp"
#include "model/at_end.hpp"
#include "model/failpoint.hpp"
#include "network/announcer.hpp"
#include "network/firewall.hpp"
#include "network/guest_networks.hpp"
#include "network/host_view.hpp"
#include "network/plan.hpp"
#include "storage/first_reading.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

constexpr long long registry_reserve = 4LL << 20;  // some thousand commits

/// The networks of the instance, each clear of what this host has.
NetworkPlan choose_networks(const Config& config, Registry& registry, Networks& networks) {
    auto plan = make_plan(
        config, {.registry = registry.uuid(),
                 .note = [&](const std::string& key) { return registry.note(key); },
                 .set_note = [&](const std::string& key, const std::string& value) { registry.set_note(key, value); },
                 .taken = [&] { return networks.taken_subnets(); },
                 .has_ipv6 = host_has_ipv6()});
    const bool is_simulated =
        config.hosts.front().vm_uri.starts_with("fake") || config.hosts.front().vm_uri.starts_with("test");
    if (!is_simulated)
        check_against_host(plan, config.instance, [](const std::string& what) { spdlog::warn("{}", what); });
    return plan;
}

/// The hypervisor's doors to them.
GuestNetworks open_networks(const Config& config, Registry& registry, Hypervisor& hypervisor) {
    std::vector<GuestNetworks::Part> parts;
    for (const Network& network : registry.networks().all())
        parts.push_back({network, hypervisor.networks(parts.size())});
    return {config.instance,
            registry.uuid(),
            std::move(parts),
            {.tell = [&](const std::string& message) { registry.events.add("network", "", std::nullopt, message); },
             .network_of = [&](GuestId id) -> std::optional<std::string> {
                 const auto guest = registry.guests.get(id);
                 return guest && guest->phase != Phase::gone ? std::optional(guest->network) : std::nullopt;
             }}};
}

/// Those that are built and not on their way to gone: a name goes before its row does.
std::vector<HostName> names_of(Registry& registry) {
    std::vector<HostName> names;
    for (const Guest& guest :
         registry.guests.list({.selection = {.globs = {}, .owner = {}, .all = true}}, std::nullopt)) {
        if (guest.owner && guest.phase != Phase::reserved && guest.desired != Desired::gone)
            names.push_back(known_as(guest, registry.networks()));
    }
    return names;
}

/// The networks that other routers are to know of.
std::vector<Announced> announced(const NetworkPlan& plan) {
    std::vector<Announced> networks;
    for (const Network& network : plan.all()) {
        if (network.mode != NetworkMode::routed) continue;
        networks.push_back({network.bridge, to_text(network.subnet), std::nullopt});
        if (network.subnet6) networks.back().prefix6 = to_text(*network.subnet6);
    }
    return networks;
}

/// Guests that are ready, and whose profiles have them asked something.
std::vector<ProbeTarget> probe_targets(Registry& registry, const Overlays& overlays, Herd& herd) {
    std::vector<ProbeTarget> targets;
    if (!overlays.any_probes()) return targets;
    for (const Guest& guest : registry.guests.list({}, std::nullopt)) {
        if (guest.phase != Phase::ready || guest.desired != Desired::ready || guest.profile == cloud_profile) continue;
        const auto pulse = herd.pulse(guest.id);
        if (!pulse || !pulse->is_watched()) continue;
        const Profile& profile = overlays.profile(guest.profile);
        if (!profile.probes.empty()) targets.push_back({guest.id, guest.name, guest.address, profile.probes});
    }
    return targets;
}

/// What the rules of the guests' networks are made of.
FirewallPlan firewall_plan(const Config& config, const NetworkPlan& networks) {
    return {config.instance, networks, config.openings, config.network.host_services};
}

/// SIGTERM and SIGINT become one call, on a thread of its own; every other thread has them blocked.
class Signals {
  public:
    Signals() {
        sigemptyset(&set_);
        for (const int signal : {SIGTERM, SIGINT}) sigaddset(&set_, signal);
        std::signal(SIGPIPE, SIG_IGN);  // NOLINT(cert-err33-c): it refuses only what is no signal
        pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    }
    ~Signals() {
        if (!thread_.joinable()) return;
        // NOLINTNEXTLINE(bugprone-bad-signal-to-kill-thread,cert-pos44-c): all block it; this one awaits it
        pthread_kill(thread_.native_handle(), SIGTERM);
        thread_.join();
    }
    /// From now on; a signal that came before counts too.
    void call(std::function<void()> on_end) {
        thread_ = std::thread([this, on_end = std::move(on_end)] {
            pthread_setname_np(pthread_self(), "signals");
            int signal = 0;
            sigwait(&set_, &signal);
            on_end();
        });
    }

  private:
    sigset_t set_{};
    std::thread thread_;
};

/// As many descriptors as the system grants: a thousand idle clients are no reason to refuse the next one.
void raise_open_files() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit of open files");
}

}  // namespace

void run_daemon(const Config& config) {
    if (geteuid() != 0) throw Error(ErrorKind::denied, "droverd needs root", "run it with sudo");
    spdlog::set_default_logger(spdlog::stderr_color_mt("drover"));
    spdlog::set_level(spdlog::level::from_str(config.log_level));
    raise_open_files();
    Signals signals;  // first, so that every thread inherits the mask
    const auto gateway = gateway_uid(config.gateway_uid);

    const StateFolder state(config.state);
    const Installed installed = find_installed();
    Registry registry({.file = config.state + "/registry.db",
                       .migrations = installed.migrations,
                       .rules = {.quarantine = config.network.quarantine,
                                 .retire_keep = config.retire_keep,
                                 .snapshots = config.snapshots,
                                 .backups = config.backups},
                       .reserve = registry_reserve});
    const StoragePaths paths{config.state, installed.images, installed.profiles, installed.guest_end,
                             "/etc/drover/images"};
    Roots roots(paths, [&](const std::string& damaged) {
        spdlog::error("{}", damaged);
        registry.events.add("image", "", std::nullopt, damaged);
    });
    Overlays overlays(paths, qemu_user());
    CopyStore copies(config.state);

    Hypervisor hypervisor(config, registry.uuid(), [&] { return registry.guests.any_of(Kind::container); });
    Domains& domains = hypervisor.domains();
    Networks& networks = hypervisor.networks();
    Names names(networks, config.instance, config.network.domain,
                config.network.host_names == "hosts" ? "/etc/hosts" : "");
    fs::create_directories(fs::path(config.socket).parent_path());
    Server server(config.socket);
    Rounds pool_rounds;
    registry.events.watch([&] {
        server.news();
        pool_rounds.wake();
    });
    std::optional<ContainerMounts> mounts;
    if (hypervisor.runs_containers()) mounts.emplace(fs::path(config.socket).parent_path() / "containers");
    auto* const lender = mounts ? &*mounts : nullptr;

    registry.set_networks(choose_networks(config, registry, networks));
    GuestNetworks guest_networks = open_networks(config, registry, hypervisor);
    const std::string boot_id = config.testing.boot_id.empty() ? kernel_boot_id() : config.testing.boot_id;
    Accelerator accelerator(config.accelerator, boot_id, domains, registry);

    Firewall firewall(firewall_plan(config, registry.networks()), registry);
    Hooks hooks(config, registry, [&] { server.news(); });
    Parts parts{config,
                registry,
                domains,
                names,
                roots,
                overlays,
                copies,
                accelerator,
                qemu_user(),
                [&] {
                    firewall.ensure();  // first: no bridge is without its rules
                    guest_networks.ensure();
                    names.replace([&] { return names_of(registry); });
                },
                boot_id,
                lender,
                hypervisor.forks()};
    Consoles consoles(config.state + "/consoles", {config.consoles.log, config.consoles.boots});
    parts.consoles = &consoles;
    parts.firewall = &firewall;
    parts.may_go = [&](const Guest& guest) { return hooks.may_go(guest); };
    TemplateStore template_store(config.state, qemu_user());
    std::optional<Templates> templates;
    if (parts.forks != nullptr) parts.templates = &templates.emplace(parts, template_store);
    Herd herd(parts);
    const AtEnd no_more_templates([&] {
        if (templates) templates->stop();
    });
    ImageJobs image_jobs(registry, roots, accelerator, parts.templates, [&](const std::string& root) {
        if (mounts) mounts->forget(root);
    });
    Fleet fleet(config, registry, copies, [&](const std::vector<GuestId>& guests) { herd.nudge(guests); });
    const Makings makings{config, registry, roots, overlays, lender};
    PoolKeeper pools({.config = config,
                      .registry = registry,
                      .nudge = [&](const std::vector<GuestId>& guests) { herd.nudge(guests); },
                      .may_run = [&] { return herd.hypervisor_reachable() && !herd.host().is_stopped(); },
                      .reservation =
                          [&](const PoolKey& key) {
                              overlays.expect_room();
                              return reservation_for(makings,
                                                     {.image = key.image, .profile = key.profile, .kind = key.kind});
                          },
                      .load = [&] { return read_host_load(config.state); },
                      .rounds = pool_rounds});
    Health health({.config = config,
                   .registry = registry,
                   .for_each_pulse = [&](const auto& take) { herd.for_each_pulse(take); },
                   .pulse = [&](GuestId id) { return herd.pulse(id); },
                   .ask = [&](const auto& questions) { herd.ask_for_life(questions); },
                   .nudge = [&](const std::vector<GuestId>& guests) { herd.nudge(guests); },
                   .blind =
                       [&] {
                           if (!herd.hypervisor_reachable()) return "the hypervisor does not answer";
                           return herd.host().is_stopped() ? "the host is stopped" : "";
                       },
                   .load = [&] { return read_host_load(config.state); },
                   .services_wanted = [&] { return herd.services().wanted_up(); },
                   .services_down = [&] { return herd.services().down_though_wanted(); },
                   .restart_service = [&](const ServiceRow& row) { herd.services().restart(row); }});
    Prober prober(
        {.targets = [&] { return probe_targets(registry, overlays, herd); },
         .tell = [&](const ProbeTarget& target,
                     const std::string& message) { registry.events.add("health", target.name, std::nullopt, message); },
         .restart = [&](const ProbeTarget& target, const Probe& probe,
                        const std::string& why) { health.mend_service(target.id, probe.restart, why); }});
    Announcer announcer(config.routing, announced(registry.networks()), [&](const std::string& message) {
        spdlog::info("routing: {}", message);
        registry.events.add("network", "", std::nullopt, message);
    });
    Shadows shadows(registry, roots, overlays, herd);
    Fsck fsck(config);
    Doctor doctor(config);
    ApiMeters api_meters(routes().size());
    const Doors doors{config,
                      registry,
                      herd,
                      shadows,
                      roots,
                      overlays,
                      fleet,
                      health,
                      pools,
                      pool_rounds,
                      image_jobs,
                      accelerator,
                      fsck,
                      doctor,
                      hooks,
                      consoles,
                      firewall,
                      api_meters,
                      hypervisor.meters(),
                      [&] { return guest_networks.sights(); },
                      parts.templates,
                      lender};
    std::optional<MetricsPort> metrics_port;
    if (!config.metrics_listen.empty())
        metrics_port.emplace(config.metrics_listen, [&] { return metrics_text(doors); });

    signals.call([&] { server.stop(); });
    registry.events.add("daemon", "", std::nullopt, "droverd " DROVER_VERSION " started");
    if (templates) templates->start([&](const std::vector<GuestId>& guests) { herd.nudge(guests); });
    firewall.start();
    herd.start();
    announcer.start();
    fleet.start();
    pools.start();
    health.start();
    prober.start();
    hooks.start();
    const FirstReading first_reading(roots);
    spdlog::info("droverd " DROVER_VERSION " serves instance '{}' at {}", config.instance, config.socket);
    server.run({.identify = [&](int socket) { return peer_at(socket, gateway); },
                .handle = [&](Call& call) { return dispatch(doors, call); }});
    spdlog::info("droverd ends; guests go on");
}

}  // namespace drover
