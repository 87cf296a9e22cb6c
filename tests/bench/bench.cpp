#include <libvirt/virterror.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <thread>

#include "bare_starts.hpp"
#include "herd/herd.hpp"
#include "hypervisor/connection.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/libvirt.hpp"

/// Does one measured piece of work and prints its seconds; tools/bench runs the pieces in pairs.
namespace drover {
namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

constexpr const char* instance = "bench";

/// A network whose names cost nothing: building a guest does not touch the network.
class NoNetwork : public Networks {
  public:
    bool ensure(const NetworkSpec&) override { return false; }
    void remove() override {}
    void add_name(const HostName&) override {}
    void remove_name(Address) override {}
    std::vector<HostName> names() override { return {}; }
    std::vector<Subnet> taken_subnets() override { return {}; }
};

Config config_of(const std::string& state) {
    Config config;
    config.instance = instance;
    config.state = state;
    config.accelerator = "tcg";
    config.network.name = "default";
    config.quota = 1'000'000;
    return config;
}

/// The controller's parts on a registry of its own and the images of `state`.
struct Bench {
    explicit Bench(const std::string& folder)
        : state(folder),
          config(config_of(folder)),
          paths{folder, DROVER_SOURCE "/images", DROVER_SOURCE "/overlays",
                fs::read_symlink("/proc/self/exe").parent_path() / "drover-guest"},
          registry({.file = fresh(folder + "/registry.db"), .migrations = DROVER_SOURCE "/schema"}),
          roots(paths),
          overlays(paths, "+0:+0"),
          copies(folder),
          domains(connection, instance, registry.uuid()),
          accelerator("tcg", "bench", domains, registry),
          version(roots.build("tiny", [](const std::string&) {})) {
        auto only = network_of(parse_subnet("10.99.0.0/16"));
        only.title = instance;
        only.domain = "bench.internal";
        registry.set_networks(NetworkPlan({only}));
        registry.images.add("tiny", version.digest);
        registry.owners.set({.name = "bench"}, config.quota);
    }

    static std::string fresh(const std::string& file) {
        for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(file + suffix);
        return file;
    }

    /// Rows for `count` guests that shall be built and stay off.
    void reserve(int count) {
        const Caller caller{"bench", true};
        const Reservation reservation{.image = "tiny",
                                      .profile = version.profile,
                                      .version = version.digest,
                                      .network = network_of(parse_subnet("10.99.0.0/16"))};
        registry.guests.request(caller, {.owner = "bench", .count = count, .additional = true}, reservation);
        registry.guests.change(caller, {Verb::stop, {.all = true}}, std::nullopt);
    }

    std::string state;
    Config config;
    StoragePaths paths;
    Registry registry;
    Roots roots;
    Overlays overlays;
    CopyStore copies;
    EventLoop events;
    Connection connection{events, "qemu:///system"};
    LibvirtDomains domains;
    NoNetwork network;
    Names names{network, instance, "bench.internal", ""};
    Accelerator accelerator;
    Version version;
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

bool all_built(Registry& registry) {
    const std::vector<Guest> guests = registry.guests.list({.selection = {.all = true}}, std::nullopt);
    for (const Guest& guest : guests) {
        if (guest.fault) throw Error(ErrorKind::failed, guest.name + ": " + guest.fault->message);
    }
    return std::all_of(guests.begin(), guests.end(), [](const Guest& guest) { return guest.phase == Phase::stopped; });
}

/// Counts the registry's news; looking at all rows is left until there was news of each guest, since it would slow
/// them.
class Milestone {
  public:
    explicit Milestone(Registry& registry) : registry_(registry) {
        registry_.events.watch([this] {
            const std::lock_guard lock(mutex_);
            ++news_;
            happened_.notify_all();
        });
    }

    void wait_until_built(int count) {
        std::unique_lock lock(mutex_);
        for (int needed = count;; needed = news_ + 1) {
            happened_.wait(lock, [&] { return news_ >= needed; });
            lock.unlock();
            if (all_built(registry_)) return;
            lock.lock();
        }
    }

  private:
    Registry& registry_;
    std::mutex mutex_;
    std::condition_variable happened_;
    int news_ = 0;
};

/// Row + overlay + define of each guest by a daemon that runs already: request, nudge, until the last is committed.
double build(const std::string& state, int count) {
    Bench bench(state);
    Milestone milestone(bench.registry);
    Herd herd({bench.config, bench.registry, bench.domains, bench.names, bench.roots, bench.overlays, bench.copies,
               bench.accelerator, "+0:+0", [] {}});
    herd.start();
    while (!herd.hypervisor_reachable()) std::this_thread::yield();
    const auto start = Clock::now();
    bench.reserve(count);
    herd.nudge(bench.registry.guests.ids());
    milestone.wait_until_built(count);
    return seconds_since(start);
}

/// The definitions of `count` guests, as build() makes them; their overlays need not exist.
std::vector<std::string> definitions(Bench& bench, int count) {
    const Overlays::Place place = bench.overlays.create(1, 1, bench.version.profile, bench.config.guest.disk);
    std::vector<std::string> all;
    for (GuestId id = 1; id <= count; ++id) {
        all.push_back(to_xml({.instance = instance,
                              .registry = bench.registry.uuid(),
                              .id = id,
                              .name = "bench-" + std::to_string(id),
                              .owner = "bench",
                              .make = {bench.version.digest, 1, 0},
                              .kernel = bench.version.kernel,
                              .initrd = bench.version.initrd,
                              .root = bench.version.root,
                              .parameters = kernel_parameters(bench.overlays.profile(bench.version.profile)),
                              .overlay = place.overlay,
                              .prototype = place.prototype,
                              .memory = bench.config.guest.memory,
                              .cpus = 1,
                              .mac = mac_of(id),
                              .network = bench.config.network.name,
                              .user = "+0:+0"}));
    }
    return all;
}

/// The same domains through virDomainDefineXML and nothing else, one after another.
double define(const std::string& state, int count) {
    Bench bench(state);
    const std::vector<std::string> all = definitions(bench, count);
    virConnectPtr connection = virConnectOpen("qemu:///system");
    if (connection == nullptr) throw Error(ErrorKind::unavailable, "no libvirtd at qemu:///system");
    const auto start = Clock::now();
    for (const std::string& definition : all) {
        virDomainPtr domain = virDomainDefineXML(connection, definition.c_str());
        if (domain == nullptr) throw Error(ErrorKind::failed, virGetLastErrorMessage());
        virDomainFree(domain);
    }
    const double seconds = seconds_since(start);
    virConnectClose(connection);
    return seconds;
}

/// Files 1.xml, 2.xml ... for a script that calls virsh, and the path of the backing file for its qemu-img.
void write_definitions(const std::string& state, int count) {
    Bench bench(state);
    const std::vector<std::string> all = definitions(bench, count);
    fs::create_directories(state + "/script");
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::ofstream(state + "/script/" + std::to_string(i + 1) + ".xml") << all[i];
    }
    std::cout << bench.overlays.place(1, 1).prototype << "\n";
}

int bench(int argc, char** argv) {
    CLI::App app{"One measured piece of work; prints its seconds."};
    app.require_subcommand(1);
    spdlog::set_level(spdlog::level::warn);
    std::string state, config, subnet;
    int count = 200, at_once = 4;
    const auto piece = [&](const char* name, const char* what, auto work) {
        auto* command = app.add_subcommand(name, what);
        command->callback(work);
        return command;
    };
    for (auto* command :
         {piece("build", "so many overlays and definitions by the daemon's own code",
                [&] { std::cout << build(state, count) << "\n"; }),
          piece("define", "the same definitions by virDomainDefineXML alone",
                [&] { std::cout << define(state, count) << "\n"; }),
          piece("write-definitions", "these as files for a script", [&] { write_definitions(state, count); })}) {
        command->add_option("--state", state)->required();
        command->add_option("--count", count);
    }
    auto* starts = piece("bare-starts", "all containers of an instance whose daemon does not run, until READY",
                         [&] { std::cout << bare_starts(config, subnet, at_once) << "\n"; });
    starts->add_option("--config", config)->required();
    starts->add_option("--subnet", subnet)->required();
    starts->add_option("--at-once", at_once);
    CLI11_PARSE(app, argc, argv);
    return 0;
}

}  // namespace
}  // namespace drover

int main(int argc, char** argv) {
    try {
        return drover::bench(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "drover_bench: " << error.what() << "\n";
        return 1;
    }
}
