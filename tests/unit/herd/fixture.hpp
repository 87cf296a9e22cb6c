#pragma once
#include <gtest/gtest.h>
#include <stdlib.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>

#include "herd/herd.hpp"
#include "possessed_domains.hpp"
#include "simulation/fake_networks.hpp"

/// The engine with a real registry, real overlays and a small working hypervisor.
namespace drover {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

inline constexpr auto patience = 60s;
inline const std::string alice_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGpvAlh3yZ9mVn2C7H8J1qX0sYb6eTnR4wKzUfLd5aMc";

/// A folder of its own, and in it an image of nothing but names, made the way every image is made.
class Folder {
  public:
    Folder() {
        std::string name = fs::temp_directory_path() / "drover-herd-XXXXXX";
        path_ = ::mkdtemp(name.data());
        fs::create_directories(path_ / "images/plain");
        std::ofstream(path_ / "images/plain/image.yaml") << "name: plain\ndescription: nothing\nprofile: basic\n";
        std::ofstream(path_ / "images/plain/assemble")
            << "#!/bin/sh\nset -e\nmkdir -p \"$2/root/.oldroot\"\necho k > \"$2/vmlinuz\"\necho i > \"$2/initrd\"\n"
               "mksquashfs \"$2/root\" \"$2/root.squashfs\" -quiet -no-progress -all-root -mkfs-time 0 -all-time 0 "
               ">/dev/null\nrm -r \"$2/root\"\n";
        fs::permissions(path_ / "images/plain/assemble", fs::perms(0755));
        std::ofstream(path_ / "guest-end") << "x";
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    [[nodiscard]] StoragePaths paths() const {
        return {.state = path_ / "state",
                .images = path_ / "images",
                .profiles = DROVER_SOURCE "/overlays",
                .guest_end = path_ / "guest-end",
                .packages = path_ / "cache"};
    }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

  private:
    fs::path path_;
};

inline Config quick_config() {
    Config config;
    config.instance = "test";
    config.accelerator = "tcg";
    config.network.domain = "test.internal";
    config.guest.disk = 16 << 20;
    config.guest.image = "plain";
    config.ready_timeout = 60s;  // however busy the machine
    config.stop_timeout = 200ms;
    config.backoff = 1ms;
    return config;
}

class HerdTest : public testing::Test {
  protected:
    HerdTest() {
        registry.events.watch([this] {
            const std::lock_guard lock(mutex);
            ++news;
            happened.notify_all();
        });
        auto plan = network_of(subnet);
        plan.title = "test";
        plan.domain = "test.internal";
        registry.set_networks(NetworkPlan({plan}));
        version = roots.build("plain", [](const std::string&) {});
        registry.images.add("plain", version.digest);
        registry.owners.set({.name = "alice", .quota = 100, .keys = std::vector{alice_key}}, 0);
    }

    void start_herd(const std::string& boot_id = "boot") {
        herd = std::make_unique<Herd>(Parts{config, registry, domains, names, roots, overlays, copies, accelerator,
                                            "+0:+0",
                                            [this] {
                                                network.ensure({"test", registry.uuid(), subnet, "test.internal"});
                                            },
                                            boot_id});
        herd->start();
    }

    GuestReservation request(int count) {
        const auto reserved = registry.guests.request(
            root, {.owner = "alice", .count = count},
            {.image = "plain", .profile = "basic", .version = version.digest, .network = network_of(subnet)});
        if (herd) herd->nudge(registry.guests.ids_in(reserved.operation));
        return reserved;
    }

    OperationId ask(Verb verb, const std::string& glob = "*") {
        const Operation operation = registry.guests.change(root, {verb, {.globs = {glob}}}, std::nullopt);
        herd->nudge(registry.guests.ids_in(operation.id));
        return operation.id;
    }

    /// Waits by the registry's own news until it holds.
    template <typename Condition> [[nodiscard]] bool eventually(Condition condition) {
        std::unique_lock lock(mutex);
        const auto until = std::chrono::steady_clock::now() + patience;
        while (true) {
            const int seen = news;
            lock.unlock();
            if (condition()) return true;
            lock.lock();
            if (!happened.wait_until(lock, until, [&] { return news != seen; })) return false;
        }
    }

    [[nodiscard]] std::string outcome_of(OperationId operation) {
        if (!eventually([&] { return registry.operations.get(operation).finished.has_value(); })) return "unfinished";
        return registry.operations.get(operation).outcome;
    }

    [[nodiscard]] bool reaches(GuestId id, Phase phase) {
        return eventually([&] { return registry.guests.get(id)->phase == phase; });
    }

    Folder folder;
    Config config = quick_config();
    Subnet subnet = parse_subnet("10.9.0.0/24");
    Caller root{"root", true};
    std::mutex mutex;
    std::condition_variable happened;
    int news = 0;
    Registry registry{{.file = folder.file("registry.db"), .migrations = DROVER_SOURCE "/schema"}};
    PossessedDomains domains;
    FakeNetworks network;
    Names names{network, "test", "test.internal", ""};
    Roots roots{folder.paths()};
    Overlays overlays{folder.paths(), "+0:+0"};
    CopyStore copies{folder.paths().state};
    Accelerator accelerator{"tcg", "boot", domains, registry};
    Version version;
    std::unique_ptr<Herd> herd;
};

}  // namespace drover
