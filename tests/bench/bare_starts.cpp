#include "bare_starts.hpp"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <semaphore>
#include <set>
#include <thread>

#include "config/config.hpp"
#include "control/sessions.hpp"
#include "herd/steps.hpp"
#include "hypervisor/channels.hpp"
#include "hypervisor/domain_xml.hpp"
#include "hypervisor/handles.hpp"
#include "registry/registry.hpp"
#include "storage/container_mounts.hpp"
#include "storage/overlays.hpp"
#include "storage/roots.hpp"

namespace drover {
namespace {

using Clock = std::chrono::steady_clock;

struct Herd {
    Config config;
    Subnet subnet;
    Registry registry{{.file = config.state + "/registry.db", .migrations = DROVER_SOURCE "/schema"}};
    StoragePaths paths{config.state, DROVER_SOURCE "/images", DROVER_SOURCE "/overlays", ""};
    Roots roots{paths};
    Overlays overlays{paths, "+0:+0"};
    ContainerMounts mounts{std::filesystem::path(config.socket).parent_path() / "containers"};
    std::map<GuestId, Guest> guests;
};

/// Tells each guest that says HELLO who it is, and counts those that say READY.
class Talk {
  public:
    explicit Talk(Herd& herd) : herd_(herd), keys_(herd.registry.owners.keys(*herd.guests.begin()->second.owner)) {}

    void attach(GuestId id, UniqueFd channel) { sessions_.attach(id, std::move(channel)); }
    void wait_for(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) ready_.acquire();
    }

  private:
    void hear(GuestId id, const control::FromGuest& said) {
        if (std::holds_alternative<control::Ready>(said) && who_is_ready_.insert(id).second) ready_.release();
        if (!std::holds_alternative<control::Hello>(said)) return;
        std::vector<control::FromDaemon> lines;
        for (const auto& key : keys_) lines.emplace_back(control::Key{sessions_.next_number(), "authorized", key});
        auto network = network_of(herd_.subnet);
        network.domain = herd_.config.network.domain;
        lines.emplace_back(control::Introduce{sessions_.next_number(), identity_of(herd_.guests.at(id), network)});
        sessions_.send(id, lines);
    }

    Herd& herd_;
    const std::vector<std::string> keys_;
    std::set<GuestId> who_is_ready_;
    std::counting_semaphore<> ready_{0};
    control::Sessions sessions_{
        {.said = [this](GuestId id, const control::FromGuest& said) { hear(id, said); }, .closed = [](GuestId) {}}};
};

[[noreturn]] void fail(const std::string& what) {
    throw Error(ErrorKind::failed, what + ": " + virGetLastErrorMessage());
}

void start(Herd& herd, virConnectPtr connection, const Guest& guest, Talk& talk) {
    const DomainHandle domain(
        virDomainLookupByName(connection, (herd.config.instance + "-" + std::to_string(guest.id)).c_str()));
    if (!domain) fail(guest.name);
    const auto lease = herd.mounts.lend(
        guest.id, herd.roots.version(guest.image, guest.want.version).root,
        herd.overlays.place(guest.id, guest.have.overlay, guest.kind).overlay,
        first_uid_of(herd.subnet, guest.address, static_cast<unsigned>(herd.config.containers.first_uid)));
    if (virDomainCreate(domain.get()) < 0) fail(guest.name);
    const TextHandle xml(virDomainGetXMLDesc(domain.get(), 0));
    talk.attach(guest.id, open_terminal(read_second_tty_path(xml.get()).value()));
}

double start_all(Herd& herd, int at_once) {
    const auto begin = Clock::now();
    Talk talk(herd);
    std::vector<const Guest*> guests;
    for (const auto& [id, guest] : herd.guests) guests.push_back(&guest);
    std::atomic<std::size_t> next = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < at_once; ++i) {
            threads.emplace_back([&] {
                const ConnectHandle connection(virConnectOpen(herd.config.hosts.front().container_uri.c_str()));
                if (!connection) fail("connect");
                for (std::size_t mine = next++; mine < guests.size(); mine = next++)
                    start(herd, connection.get(), *guests[mine], talk);
            });
        }
    }
    talk.wait_for(guests.size());
    return std::chrono::duration<double>(Clock::now() - begin).count();
}

}  // namespace

double bare_starts(const std::string& config, const std::string& subnet, int at_once) {
    Herd herd{.config = read_config(config, false), .subnet = parse_subnet(subnet), .guests = {}};
    for (const Guest& guest : herd.registry.guests.list({}, std::nullopt)) herd.guests.emplace(guest.id, guest);
    return start_all(herd, at_once);
}

}  // namespace drover
