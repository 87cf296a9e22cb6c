#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "doctor/checks.hpp"
#include "doctor/programs.hpp"

namespace drover::doctor {
namespace {

constexpr Release oldest_libvirt{9, 0, 0};
constexpr Release oldest_qemu{7, 2, 0};

std::string shown(const Release& release) { return fmt::format("{}", fmt::join(release, ".")); }

const std::string& uri(const Picture& picture) { return picture.config.hosts.front().vm_uri; }

/// The accelerator that guests get: "kvm", "tcg", or "" while nobody knows.
std::string chosen_accelerator(const Picture& picture) {
    if (picture.config.accelerator != "auto") return picture.config.accelerator;
    return picture.herd.value ? picture.herd.value->accelerator : "";
}

/// Where libvirt's own AppArmor profiles look for disks by any name.
bool apparmor_knows(const std::string& folder) {
    constexpr std::array<std::string_view, 5> places{"/var/lib/libvirt/", "/media/", "/mnt/", "/opt/", "/srv/"};
    return std::any_of(places.begin(), places.end(), [&](auto place) { return (folder + "/").starts_with(place); });
}

}  // namespace

Diagnosis daemon(const Picture& picture) {
    const std::string check = "daemon";
    const auto& socket = picture.config.socket;
    if (picture.daemon.value)
        return fine(check, fmt::format("process {} listens on {}", *picture.daemon.value, socket));
    return {check, Level::error, picture.daemon.why_not, picture.daemon.mend};
}

Diagnosis libvirt(const Picture& picture) {
    const std::string check = "libvirt";
    if (!picture.hypervisor.value) return {check, Level::error, picture.hypervisor.why_not, picture.hypervisor.mend};
    const auto message =
        fmt::format("libvirtd {} answers at {}", shown(picture.hypervisor.value->libvirt), uri(picture));
    if (picture.hypervisor.value->libvirt >= oldest_libvirt) return fine(check, message);
    return {check, Level::warn, fmt::format("{}: older than {}", message, shown(oldest_libvirt)),
            "apt-get install libvirt-daemon-system, of Debian 12 or newer"};
}

Diagnosis qemu(const Picture& picture) {
    return judged("qemu", picture.hypervisor, [](const Hypervisor& seen) -> Diagnosis {
        if (!seen.below)
            return {"qemu", Level::error, "libvirt finds no emulator to run",
                    "apt-get install qemu-system-x86, then start libvirtd again"};
        const auto message = fmt::format("{} {}", seen.driver, shown(*seen.below));
        if (seen.driver != "QEMU" || *seen.below >= oldest_qemu) return fine("qemu", message);
        return {"qemu", Level::warn, fmt::format("{}: older than {}", message, shown(oldest_qemu)),
                "apt-get install qemu-system-x86, of Debian 12 or newer"};
    });
}

Diagnosis qemu_user(const Picture& picture) {
    if (picture.qemu_user) return fine("qemu-user", "guests run as libvirt-qemu");
    return {"qemu-user", Level::error, "no account 'libvirt-qemu': droverd does not start without it",
            "apt-get install libvirt-daemon-system"};
}

Diagnosis accelerator(const Picture& picture) {
    const std::string check = "accelerator";
    const auto chosen = chosen_accelerator(picture);
    const bool forced = picture.config.accelerator != "auto";
    if (chosen == "kvm" && !picture.kvm.exists)
        return {check, Level::error, "KVM is configured and there is no /dev/kvm: no guest starts",
                "modprobe kvm_intel || modprobe kvm_amd, or configure accelerator: auto"};
    if (chosen == "kvm") return fine(check, "KVM");
    if (chosen.empty() && picture.kvm.exists) return fine(check, "found out when the first guest starts");
    const std::string slow = "TCG: guests are emulated, which is slow";
    if (forced) return {check, Level::warn, slow + ", as configured", "configure accelerator: auto"};
    if (picture.kvm.exists)
        return {check, Level::warn, slow + ": a guest made no progress under KVM",
                "turn virtualisation on in the firmware, or nesting where this host is a guest itself; then boot"};
    return {check, Level::warn, slow + ": there is no /dev/kvm",
            "modprobe kvm_intel || modprobe kvm_amd, with virtualisation turned on in the firmware"};
}

Diagnosis kvm_node(const Picture& picture) {
    const std::string check = "kvm-node";
    if (!picture.kvm.exists) return fine(check, "no /dev/kvm");
    if (picture.kvm.reachable) return fine(check, "libvirt-qemu may use /dev/kvm");
    const auto level = picture.config.accelerator == "kvm" ? Level::error : Level::warn;
    return {check, level, "/dev/kvm is out of reach of libvirt-qemu: libvirtd looks at QEMU anew, seconds each time",
            "chgrp kvm /dev/kvm; chmod 0660 /dev/kvm"};
}

Diagnosis programs(const Picture& picture) {
    const auto& missing = picture.missing_programs;
    if (missing.empty()) return fine("programs", fmt::format("all {} are installed", needed_programs().size()));
    std::set<std::string> packages;
    for (const auto& program : missing) packages.insert(package_of(program));
    return {"programs", Level::error, fmt::format("not installed: {}", fmt::join(missing, ", ")),
            fmt::format("apt-get install {}", fmt::join(packages, " "))};
}

Diagnosis hooks(const Picture& picture) {
    return judged("hooks", picture.hooks, [&](const std::vector<Distrust>& distrusted) -> Diagnosis {
        if (distrusted.empty()) return fine("hooks", picture.config.hooks.folder + ": none that may not be run");
        std::vector<std::string> whys, mends;
        for (const Distrust& one : distrusted) {
            whys.push_back(one.why);
            mends.push_back(one.mend);
        }
        return {"hooks", Level::warn, fmt::format("never run: {}", fmt::join(whys, "; ")),
                fmt::format("{}", fmt::join(mends, "; "))};
    });
}

Diagnosis administrators(const Picture& picture) {
    if (picture.admin_group) return fine("administrators", "root and members of drover-admin");
    return {"administrators", Level::warn, "no group 'drover-admin': nobody but root administers",
            "groupadd --system drover-admin; usermod -aG drover-admin USER"};
}

Diagnosis apparmor(const Picture& picture) {
    const std::string check = "apparmor";
    const auto& state = picture.config.state;
    if (!picture.apparmor.enabled) return fine(check, "not enabled");
    if (apparmor_knows(state)) return fine(check, fmt::format("libvirt's profiles allow {}", state));
    if (picture.apparmor.local_rules.find(state + "/**") != std::string::npos)
        return fine(check, fmt::format("a local rule of libvirt's profiles names {}", state));
    return {check, Level::warn,
            fmt::format("libvirt's profiles do not name {}: guests may not reach it (unproven)", state),
            fmt::format("echo '{}/** rwk,' >>/etc/apparmor.d/local/abstractions/libvirt-qemu; "
                        "echo '{}/** r,' >>/etc/apparmor.d/local/usr.lib.libvirt.virt-aa-helper; "
                        "systemctl reload apparmor",
                        state, state)};
}

// Without it a libvirtd that dies in the middle of a start loses that guest until somebody cleans up after it.
Diagnosis libvirt_hook(const Picture& picture) {
    const std::string check = "libvirt-hook", place = "/etc/libvirt/hooks/daemon.d/drover";
    if (picture.libvirt_hook) return fine(check, place + " cleans up when libvirtd starts");
    return {check, Level::warn, "no program " + place + ": a guest in whose start libvirtd dies stays lost to libvirt",
            "install -D -m 755 /usr/local/share/drover/libvirt-hook " + place};
}

// QEMU is told of a template's memory behind libvirt's back, which therefore does not allow it by itself.
Diagnosis templates(const Picture& picture) {
    const std::string check = "templates";
    const auto& state = picture.config.state;
    const auto& rules = picture.apparmor.local_rules;
    const bool allowed =
        rules.find(state + "/templates/") != std::string::npos || rules.find(state + "/**") != std::string::npos;
    if (picture.apparmor.enabled && !allowed)
        return {check, Level::warn,
                fmt::format("AppArmor keeps QEMU from {}/templates: guests boot cold (unproven)", state),
                fmt::format("echo '{}/templates/** rwk,' >>/etc/apparmor.d/local/abstractions/libvirt-qemu; "
                            "systemctl reload apparmor",
                            state)};
    if (!picture.herd.value || picture.herd.value->template_trouble.empty())
        return fine(check, "guests that never ran are forked where their image and profile allow it");
    return {check, Level::warn, "no template of " + picture.herd.value->template_trouble,
            "mend that, then drover image build IMAGE --template; without one guests boot cold"};
}

Diagnosis libvirt_guests(const Picture& picture) {
    if (!picture.libvirt_guests) return fine("libvirt-guests", "not enabled");
    return {"libvirt-guests", Level::warn,
            "the service libvirt-guests would save and restore guests behind Drover's back",
            "systemctl disable libvirt-guests (without --now, which would end the guests)"};
}

Diagnosis cgroups(const Picture& picture) {
    if (!picture.hybrid_cgroups) return fine("cgroups", "one kind of hierarchy");
    return {"cgroups", Level::warn, "hybrid hierarchies: libvirt's container driver fails with /sys/fs/cgroup/unified",
            "boot with systemd.unified_cgroup_hierarchy=1, or umount /sys/fs/cgroup/unified for libvirtd"};
}

Diagnosis registry(const Picture& picture) {
    return judged("registry", picture.herd, [](const Herd& herd) {
        return fine("registry", fmt::format("{} guests, {} of them to be ready", herd.guests, herd.ready));
    });
}

Diagnosis pools(const Picture& picture) {
    return judged("pools", picture.herd, [](const Herd& herd) -> Diagnosis {
        if (herd.failing_pools.empty()) return fine("pools", fmt::format("{} pools, none of them failing", herd.pools));
        return {"pools", Level::warn, fmt::format("{}", fmt::join(herd.failing_pools, "; ")),
                "mend the image, or: drover pool set IMAGE, which tries again at once"};
    });
}

Diagnosis health(const Picture& picture) {
    return judged("health", picture.herd, [](const Herd& herd) -> Diagnosis {
        if (herd.ladder.empty()) return fine("health", "silent guests are restarted");
        return {"health", Level::warn, herd.ladder, "drover health tells more; drover health resume ends a pause"};
    });
}

Diagnosis clock(const Picture& picture) {
    const auto newest = picture.herd.value ? picture.herd.value->newest_event : std::nullopt;
    if (!newest || picture.now >= *newest) return fine("clock", to_rfc3339(picture.now));
    return {
        "clock", Level::warn,
        fmt::format("it is {} here, and the registry's newest event is of {}", to_rfc3339(picture.now),
                    to_rfc3339(*newest)),
        picture.systemd ? "timedatectl set-ntp true" : "date --utc --set 'YYYY-MM-DD HH:MM:SS', and keep it by NTP"};
}

}  // namespace drover::doctor
