#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/guest.hpp"
#include "model/step.hpp"
#include "model/unique_fd.hpp"

namespace drover {

/// In a guest's place: the domain that a template is made with, and the one that tries it (hypervisor/forks.hpp).
inline constexpr GuestId template_id = -1, trial_id = -2;

/// All that a domain is made of; the XML is a pure function of it.
struct DomainSpec {
    std::string instance;
    std::string registry;  ///< UUID of the registry: the owner tag
    GuestId id = 0;
    Kind kind = Kind::vm;
    std::string name;                  ///< the guest's name: the domain's title
    std::string owner;                 ///< empty: a pool's
    Make make;                         ///< version, overlay and boot, written into the tag
    std::string kernel, initrd, root;  ///< files of the version
    std::string parameters;            ///< kernel parameters of image and profile
    std::string overlay, prototype;    ///< the guest's qcow2 and its raw backing file
    std::string seed;      ///< of a cloud image's guest: what cloud-init reads. It boots from its overlay, on a qcow2
    long long memory = 0;  ///< bytes
    int cpus = 1;
    std::string mac, network;
    bool kvm = false;
    std::string user;  ///< "+uid:+gid" that QEMU runs as; the shared root is never relabelled

    // A container has no kernel, initrd or prototype. `root` and `overlay` are folders, `parameters` its profile alone.
    unsigned first_uid = 0;  ///< what its root is on the host, as user and as group; 65535 more follow
};

/// One of our domains as it is now.
struct DomainSeen {
    GuestId id = 0;
    bool defined = false;  ///< persistent
    Run run = Run::off;
    bool powered_off_itself = false;  ///< off by an orderly shutdown of the guest
    Make live;                        ///< from the tag of the running (else the defined) domain
    std::string name;                 ///< from the tag
    bool starting_up = false;         ///< the hypervisor is about to start it: `run` is unknown

    bool operator==(const DomainSeen&) const = default;
};

/// The seam to the hypervisor's domains of one instance. Implementations: libvirt, and a small working model in tests.
///
/// Every call: names a domain by its guest's id and touches only domains that carry our registry's tag, a foreign one
/// of the same name is Error{refused}. May be called from any thread, several at once. Returns within the deadline of
/// its connection (30 s) or throws Error{unavailable}; Error{unavailable} also when the hypervisor is gone, and the
/// next call connects anew. Other failures are Error{failed} with the hypervisor's message. Repetition is harmless: a
/// call whose end is already true does nothing.
class Domains {
  public:
    virtual ~Domains() = default;

    /// Makes or replaces the persistent definition. Running or not, the live domain stays as it is. About 3 ms.
    virtual void define(const DomainSpec& spec) = 0;
    /// Starts the defined domain; running: nothing. Error{not_found} when it is not defined. About 0.3 s.
    virtual void start(GuestId id) = 0;
    /// Stops its CPUs; paused: nothing. Error{not_found} when it is not running.
    virtual void suspend(GuestId id) = 0;
    /// Lets them go on; running: nothing. Error{not_found} when it is not running.
    virtual void resume(GuestId id) = 0;
    /// Presses the ACPI power button, or sends a container's first process SIGTERM; off: nothing. Tells nothing about
    /// whether the guest obeys.
    virtual void press_power_button(GuestId id) = 0;
    /// Ends it at once; off or absent: nothing. Up to 2 s.
    virtual void force_off(GuestId id) = 0;
    /// Removes the definition; absent: nothing. A running domain lives on without one: force it off first.
    virtual void undefine(GuestId id) = 0;
    /// Its title and tag are those of `spec` from now on, of which nothing else counts. Error{not_found} when there is
    /// none. `live`: of the running one, about 2 ms; else of its definition, which waits for the disk.
    virtual void rename(const DomainSpec& spec, bool live) = 0;
    /// A running one that works in the background gets an eighth of what others get of processors that they want too.
    /// Where nothing can be said of that, nothing happens.
    virtual void set_background(GuestId id, bool background) = 0;
    /// All domains of ours, running or defined, in any order.
    virtual std::vector<DomainSeen> list() = 0;
    /// One domain; absent: {id, defined = false, run = off}.
    virtual DomainSeen look(GuestId id) = 0;
    /// Seconds of CPU that it has used since it started; nothing when it does not run or nobody counts.
    virtual std::optional<double> cpu_seconds(GuestId id) = 0;
    /// The host's end of the guest's control channel: a connected, non-blocking stream socket or raw tty, bytes both
    /// ways, at end of file when the domain ends. One is served at a time: a new one gets nothing (of a tty: what the
    /// former does not read) until the former is closed. A container's limits that libvirt does not know are in force.
    /// Error{not_found} when the domain is not running.
    virtual UniqueFd open_channel(GuestId id) = 0;
    /// The host's end of the guest's console, the serial line of a vm or the first tty of a container: raw and
    /// non-blocking, at end of file or in error when the domain ends. Whoever else reads it takes bytes away. Invalid
    /// where guests have none. Error{not_found} when the domain is not running.
    virtual UniqueFd open_console(GuestId id) = 0;
    /// Calls `changed` for each domain of ours that may run, rest or be gone since, and with 0 when anything may have
    /// (connection lost or made anew). From a thread of the implementation, never while a call above holds a lock; it
    /// must return fast and call nothing here. Set once, before the first call; null ends it: once that returns, it
    /// runs no more.
    virtual void watch(std::function<void(GuestId)> changed) = 0;
    /// Whether guests really run under KVM here: boots `kernel` and `initrd` under it with "drover.probe", which powers
    /// off at once. False when it does not within 8 s. Not cached.
    virtual bool probe_kvm(const std::string& kernel, const std::string& initrd) = 0;
};

}  // namespace drover
