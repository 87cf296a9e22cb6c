#pragma once
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "model/time.hpp"
#include "process/distrust.hpp"

/// What the doctor sees of a host: plain values, so that tests can paint their own.
namespace drover::doctor {

/// What was looked for, or why nobody could look and what to do about that.
template <typename T> struct Seen {
    std::optional<T> value;
    std::string why_not, mend;

    Seen() = default;
    Seen(T seen) : value(std::move(seen)) {}  // NOLINT(google-explicit-constructor): a painted value is a seen one
    /// What nobody could look at.
    static Seen hidden(const std::string& why_not, const std::string& mend) {
        Seen seen;
        seen.why_not = why_not;
        seen.mend = mend;
        return seen;
    }
};

/// "9.0.0", in an order.
using Release = std::array<int, 3>;

/// What libvirt says of itself.
struct Hypervisor {
    Release libvirt{};
    std::string driver;            ///< "QEMU"
    std::optional<Release> below;  ///< of what the driver runs; none: it finds nothing to run
};

/// What the registry says. All zero without a registry: then nobody has used this instance yet.
struct Herd {
    long long guests = 0;  ///< that are not gone
    long long ready = 0;   ///< of these: that should run
    std::optional<Time> newest_event;
    std::string template_trouble;  ///< why the last template that was wanted is not there; empty: it is
    std::string accelerator;       ///< "kvm" or "tcg"; empty: no guest was started since the host's boot
    long long pools = 0;
    std::string ladder{};                      ///< why health restarts nobody: it is paused or holds by itself
    std::vector<std::string> failing_pools{};  ///< whose last members could not be made, and why
};

/// /dev/kvm.
struct KvmNode {
    bool exists = false;
    bool reachable = false;  ///< for the user that QEMU runs as
};

/// Room in the file system that a folder is in, or will be in.
struct Space {
    std::string file_system;         ///< "tmpfs", "nfs", ...; empty: none that is known to be trouble
    long long bytes = 0;             ///< available
    std::optional<long long> files;  ///< inodes available; none: they are made as needed
};

/// The host's memory in bytes.
struct Memory {
    long long total = 0, available = 0, swap = 0;
};

/// The least of the limits on processes and threads, and where it is set.
struct ProcessLimit {
    long long most = 0;
    std::string where;  ///< "kernel.pid_max", or the path of a pids.max
};

/// AppArmor, as far as it concerns us.
struct AppArmor {
    bool enabled = false;
    std::string local_rules;  ///< what the administrator added for libvirt's profiles
};

/// What the rules of the guests' networks need, and what is in their way.
struct Forwarding {
    bool forwards = true;                    ///< net.ipv4.ip_forward
    std::vector<std::string> strict_chains;  ///< of others, that drop what they do not know: "ip filter FORWARD"
    std::vector<int> busy_ports;             ///< of openings.host_ports, in use on the host
};

struct Picture {
    Config config;
    bool systemd = false;  ///< it is process 1: systemctl works

    Seen<long long> daemon;  ///< process id of who listens at our socket
    Seen<Hypervisor> hypervisor;
    Seen<Herd> herd;
    bool qemu_user = false;  ///< the account libvirt-qemu exists
    KvmNode kvm;
    std::vector<std::string> missing_programs;
    Seen<std::vector<Distrust>> hooks;  ///< what is never run of them
    bool admin_group = false;           ///< drover-admin exists
    AppArmor apparmor;
    bool libvirt_guests = false;  ///< that service is enabled
    bool libvirt_hook = false;    ///< tools/libvirt-hook is where libvirt looks for it
    bool hybrid_cgroups = false;

    Seen<std::string> rules;  ///< why nftables cannot make ours; empty: it can
    Seen<Forwarding> forwarding;

    Seen<Space> state, run, log;
    Seen<Memory> memory;
    Seen<long long> open_files;  ///< the daemon's limit; without a daemon: that of one started from here
    Seen<ProcessLimit> processes;
    Seen<long long> neighbours;  ///< net.ipv4.neigh.default.gc_thresh3
    Time now;
};

}  // namespace drover::doctor
