#pragma once
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "hypervisor/domains.hpp"
#include "hypervisor/forks.hpp"
#include "hypervisor/networks.hpp"

namespace drover {

/// A hypervisor to hold the contract against, and what is around it. Its destructor removes all that was made.
class World {
  public:
    virtual ~World() = default;

    virtual Domains& domains() = 0;
    virtual Networks& networks() = 0;
    /// Of worlds where guests are forked.
    virtual Forks& forks() = 0;
    /// A new file of so many bytes, which QEMU may read and write; its path.
    virtual std::string file(const std::string& name, long long bytes) = 0;
    /// A guest that can be started here: it sleeps until its power button is pressed.
    virtual DomainSpec sleeper(GuestId id) = 0;
    /// A guest that speaks on its control channel.
    virtual DomainSpec talker(GuestId id) = 0;
    /// Kernel and initrd of a guest that powers off when told "drover.probe".
    virtual std::pair<std::string, std::string> probe() = 0;
    /// The guest's machine dies under it.
    virtual void kill(GuestId id) = 0;
    /// A spec for networks().
    virtual NetworkSpec network() = 0;
    /// Somebody else has a domain, a network, of our name.
    virtual void add_foreign_domain(GuestId id) = 0;
    virtual void add_foreign_network() = 0;
};

/// How to make a world: "fake", or "libvirt" on the QEMU at qemu:///system, or "containers" on lxc:/// beside it.
struct WorldKind {
    std::string name;
    std::function<std::unique_ptr<World>()> make;  ///< null: not on this machine
};

inline void PrintTo(const WorldKind& kind, std::ostream* out) { *out << kind.name; }

/// All, the host of real vms last. Without a libvirtd the real one cannot be made: tests skip it, but fail when
/// CI=true.
std::vector<WorldKind> all_worlds();
/// Those with vms.
std::vector<WorldKind> forking_worlds();
/// Those with a guest that talks: the real one only where DROVER_TEST_IMAGE names a folder with its vmlinuz, initrd and
/// root.squashfs.
std::vector<WorldKind> talking_worlds();

}  // namespace drover
