#include "doctor/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include "doctor/programs.hpp"

namespace drover::doctor {
namespace {

using testing::HasSubstr;

constexpr long long gib = 1LL << 30;
const Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12);

/// A host on which nothing bites.
Picture healthy() {
    Picture host;
    host.config.state = "/var/lib/drover";
    host.config.socket = "/run/drover/drover.sock";
    host.systemd = true;
    host.daemon = 42LL;
    host.hypervisor = Hypervisor{{9, 0, 0}, "QEMU", Release{7, 2, 0}};
    host.herd = Herd{.guests = 200, .ready = 100, .newest_event = noon, .accelerator = "kvm"};
    host.qemu_user = host.admin_group = host.libvirt_hook = true;
    host.kvm = {true, true};
    host.hooks = std::vector<Distrust>{};
    host.rules = std::string();
    host.forwarding = Forwarding{};
    host.state = host.run = host.log = Space{"", 100 * gib, 1'000'000};
    host.memory = Memory{64 * gib, 40 * gib, 0};
    host.open_files = 65536LL;
    host.processes = ProcessLimit{4'194'304, "kernel.pid_max"};
    host.neighbours = 1024LL;
    host.now = noon;
    return host;
}

Diagnosis diagnosis_of(const Picture& host, const std::string& check) {
    const auto all = check_all(host);
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& each) { return each.check == check; });
    return found == all.end() ? Diagnosis{"no check " + check, Level::ok, "", ""} : *found;
}

TEST(Doctor, TRUST_7_NothingBitesOnAHealthyHost) {
    const auto all = check_all(healthy());
    std::set<std::string> names;
    for (const auto& each : all) {
        EXPECT_EQ(each.level, Level::ok) << each.check << ": " << each.message;
        EXPECT_EQ(each.mend, "") << each.check;
        EXPECT_NE(each.message, "") << each.check;
        names.insert(each.check);
    }
    EXPECT_EQ(names.size(), all.size());
}

/// One thing that is wrong with a host, and what must be said of it.
struct Planted {
    std::string check;
    Level level;
    std::function<void(Picture&)> plant;
    std::string mend;  ///< part of it
};

const std::vector<Planted> faults{
    {"daemon", Level::error, [](auto& h) { h.daemon = Seen<long long>::hidden("nobody", "start it"); }, "start it"},
    {"libvirt", Level::error, [](auto& h) { h.hypervisor = Seen<Hypervisor>::hidden("silent", "libvirtd -d"); },
     "libvirtd -d"},
    {"libvirt", Level::warn,
     [](auto& h) {
         h.hypervisor.value->libvirt = {8, 10, 0};
     },
     "apt-get install"},
    {"qemu", Level::warn,
     [](auto& h) {
         h.hypervisor.value->below = Release{7, 1, 99};
     },
     "apt-get install"},
    {"qemu", Level::error, [](auto& h) { h.hypervisor.value->below.reset(); }, "apt-get install"},
    {"qemu-user", Level::error, [](auto& h) { h.qemu_user = false; }, "libvirt-daemon-system"},
    {"accelerator", Level::warn, [](auto& h) { h.herd.value->accelerator = "tcg"; }, "firmware"},
    {"accelerator", Level::warn, [](auto& h) { h.herd.value->accelerator = "", h.kvm = {}; }, "modprobe"},
    {"accelerator", Level::warn, [](auto& h) { h.config.accelerator = "tcg"; }, "accelerator: auto"},
    {"accelerator", Level::error, [](auto& h) { h.config.accelerator = "kvm", h.kvm = {}; }, "modprobe"},
    {"kvm-node", Level::warn, [](auto& h) { h.kvm.reachable = false; }, "chgrp kvm /dev/kvm; chmod 0660 /dev/kvm"},
    {"kvm-node", Level::error, [](auto& h) { h.kvm.reachable = false, h.config.accelerator = "kvm"; }, "chgrp"},
    {"programs", Level::error,
     [](auto& h) {
         h.missing_programs = {"mksquashfs", "unsquashfs", "cpio"};
     },
     "apt-get install cpio squashfs-tools"},
    {"hooks", Level::warn,
     [](auto& h) {
         h.hooks.value->push_back({"/hooks/a can be written by others than root", "chmod go-w /hooks/a"});
     },
     "chmod go-w /hooks/a"},
    {"administrators", Level::warn, [](auto& h) { h.admin_group = false; }, "groupadd --system drover-admin"},
    {"apparmor", Level::warn, [](auto& h) { h.apparmor.enabled = true; }, "/var/lib/drover/** rwk"},
    {"health", Level::warn, [](auto& h) { h.herd.value->ladder = "the ladder is paused by root"; }, "health resume"},
    {"pools", Level::warn, [](auto& h) { h.herd.value->failing_pools = {"tiny/basic/vm: it hangs"}; }, "pool set"},
    {"templates", Level::warn, [](auto& h) { h.apparmor.enabled = true; }, "/var/lib/drover/templates/** rwk"},
    {"templates", Level::warn, [](auto& h) { h.herd.value->template_trouble = "tiny: it hangs"; }, "--template"},
    {"rules", Level::error, [](auto& h) { h.rules = std::string("nftables: no such family"); }, "modprobe"},
    {"forwarding", Level::warn, [](auto& h) { h.forwarding.value->forwards = false; }, "ip_forward=1"},
    {"forwarding", Level::warn, [](auto& h) { h.forwarding.value->strict_chains = {"ip filter FORWARD"}; },
     "-i drover-br"},
    {"host-ports", Level::warn, [](auto& h) { h.forwarding.value->busy_ports = {20007}; }, "openings.host_ports"},
    {"libvirt-guests", Level::warn, [](auto& h) { h.libvirt_guests = true; }, "systemctl disable libvirt-guests"},
    {"libvirt-hook", Level::warn, [](auto& h) { h.libvirt_hook = false; }, "install -D -m 755"},
    {"cgroups", Level::warn, [](auto& h) { h.hybrid_cgroups = true; }, "unified"},
    {"registry", Level::warn, [](auto& h) { h.herd = Seen<Herd>::hidden("malformed", "restore it"); }, "restore it"},
    {"clock", Level::warn, [](auto& h) { h.now = noon - std::chrono::hours(24 * 365); }, "timedatectl"},
    {"state-file-system", Level::error, [](auto& h) { h.state.value->file_system = "tmpfs"; }, "ext4"},
    {"state-file-system", Level::error, [](auto& h) { h.state.value->file_system = "nfs"; }, "ext4"},
    {"state-file-system", Level::warn, [](auto& h) { h.state.value->file_system = "overlay"; }, "ext4"},
    {"space-state", Level::error, [](auto& h) { h.state.value->bytes = 1 << 20; }, "/var/lib/drover"},
    {"space-state", Level::warn, [](auto& h) { h.state.value->bytes = gib; }, "/var/lib/drover"},
    {"space-state", Level::error, [](auto& h) { h.state.value->files = 10; }, "/var/lib/drover"},
    {"space-run", Level::error, [](auto& h) { h.run.value->bytes = 1 << 20; }, "mount -o remount,size="},
    {"space-run", Level::warn, [](auto& h) { h.herd.value->guests = 1000, h.run.value->bytes = 64 << 20; }, "remount"},
    {"space-log", Level::error, [](auto& h) { h.log.value->bytes = 0; }, "journalctl --vacuum-size"},
    {"memory", Level::warn, [](auto& h) { h.herd.value->ready = 1000; }, "stop guests"},
    {"memory", Level::error, [](auto& h) { h.memory.value->available = 1 << 20; }, "stop guests"},
    {"open-files", Level::warn, [](auto& h) { h.open_files = 500LL; }, "LimitNOFILE"},
    {"open-files", Level::error, [](auto& h) { h.open_files = 300LL; }, "LimitNOFILE"},
    {"processes", Level::error, [](auto& h) { h.processes.value->most = 1000; }, "sysctl -w kernel.pid_max="},
    {"processes", Level::warn,
     [](auto& h) {
         h.processes = ProcessLimit{6000, "/sys/fs/cgroup/machine.slice/pids.max"};
     },
     "echo max >/sys/fs/cgroup/machine.slice/pids.max"},
    {"bridge-ports", Level::warn, [](auto& h) { h.herd.value->guests = 900; }, "second instance"},
    {"bridge-ports", Level::error, [](auto& h) { h.herd.value->guests = 1024; }, "second instance"},
    {"neighbours", Level::error, [](auto& h) { h.herd.value->guests = 1000; }, "gc_thresh3="},
    {"neighbours", Level::warn, [](auto& h) { h.neighbours = Seen<long long>::hidden("no file", "nsenter"); },
     "nsenter"},
};

TEST(Doctor, TRUST_7_FindsWhateverIsPlanted) {
    for (const auto& fault : faults) {
        auto host = healthy();
        fault.plant(host);
        const auto said = diagnosis_of(host, fault.check);
        EXPECT_EQ(said.check, fault.check);
        EXPECT_EQ(to_text(said.level), to_text(fault.level)) << fault.check << ": " << said.message;
        EXPECT_THAT(said.mend, HasSubstr(fault.mend)) << fault.check;
    }
}

TEST(Doctor, TRUST_7_EveryFaultIsPlanted) {
    std::set<std::string> planted;
    for (const auto& fault : faults) planted.insert(fault.check);
    for (const auto& each : check_all(healthy())) EXPECT_TRUE(planted.contains(each.check)) << each.check;
}

TEST(Doctor, TRUST_7_ABlindDoctorSaysSoAndWhatToDo) {
    Picture blind = healthy();
    const auto hide = [](auto& seen) { seen = std::decay_t<decltype(seen)>::hidden("no way", "open it"); };
    hide(blind.hypervisor), hide(blind.herd), hide(blind.state), hide(blind.run), hide(blind.log);
    hide(blind.memory), hide(blind.open_files), hide(blind.processes), hide(blind.neighbours);
    for (const auto* check : {"qemu", "registry", "space-state", "state-file-system", "space-run", "space-log",
                              "memory", "open-files", "processes", "neighbours"}) {
        EXPECT_EQ(diagnosis_of(blind, check), (Diagnosis{check, Level::warn, "cannot look: no way", "open it"}));
    }
}

TEST(Doctor, ALocalRuleSatisfiesAppArmor) {
    auto host = healthy();
    host.apparmor = {true, "/var/lib/drover/** rwk,\n"};
    EXPECT_EQ(diagnosis_of(host, "apparmor").level, Level::ok);
    EXPECT_EQ(diagnosis_of(host, "templates").level, Level::ok);
    host.apparmor.local_rules = "/var/lib/drover/templates/** rwk, # of templates alone\n";
    EXPECT_EQ(diagnosis_of(host, "templates").level, Level::ok);
    EXPECT_EQ(diagnosis_of(host, "apparmor").level, Level::warn);
    host.apparmor.local_rules.clear();
    host.config.state = "/srv/drover";
    EXPECT_EQ(diagnosis_of(host, "apparmor").level, Level::ok);
}

std::string sources_of(const std::string& room) {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(DROVER_SOURCE "/provisioner/" + room)) {
        std::ifstream file(entry.path());
        text.append(std::istreambuf_iterator<char>(file), {});
    }
    return text;
}

TEST(Doctor, KnowsEveryProgramThatTheDaemonRuns) {
    std::set<std::string> known;
    for (const auto& needed : needed_programs()) known.insert(needed.name);
    const std::regex run(R"re((?:argv = |argv|command\()\{"([a-z0-9-]+)")re");
    std::set<std::string> found;
    const auto text = sources_of("storage") + sources_of("herd") + sources_of("network");
    for (std::sregex_iterator each(text.begin(), text.end(), run); each != std::sregex_iterator(); ++each)
        found.insert((*each)[1]);
    EXPECT_TRUE(found.contains("qemu-img") && found.contains("apt-get")) << "the pattern fits no more";
    found.erase("vtysh");  // where a configuration asks for it, and an event says that it is missing
    for (const auto& program : found) EXPECT_TRUE(known.contains(program)) << program;
}

}  // namespace
}  // namespace drover::doctor
