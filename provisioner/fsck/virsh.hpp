#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/guest.hpp"
#include "process/process.hpp"

namespace drover::fsck {

/// A domain as libvirt describes it, whosever it is.
struct Domain {
    std::string name, uuid;
    bool is_container = false;
    bool active = false;
    bool persistent = true;  ///< whether it outlives its run
    std::string registry;    ///< UUID in Drover's tag; empty: no tag
    std::string guest;       ///< name and id of the guest, as the tag says
    GuestId id = 0;
    std::vector<std::string> macs;   ///< lower case
    std::vector<std::string> disks;  ///< the files
};

/// An address that the DNS of a network answers, and for which names.
struct DnsHost {
    std::string address;
    std::vector<std::string> names;
    bool operator==(const DnsHost&) const = default;
};

struct Network {
    std::string name, uuid, bridge;
    bool active = false;
    std::string gateway;  ///< the host's own address in it
    std::vector<DnsHost> hosts;
};

/// All domains or networks of a text that holds their XML one after the other, as virsh prints it.
/// Error{unavailable} when it is not well-formed.
std::vector<Domain> read_domains(const std::string& text);
std::vector<Network> read_networks(const std::string& text);

/// libvirt, asked through the program `virsh`. Any thread. Every call: Error{unavailable} with what virsh says when it
/// fails or does not end within a minute. What ends while it is being asked about is left out.
class Virsh {
  public:
    /// `program` and the hypervisor's URI.
    Virsh(std::string program, std::string uri);

    [[nodiscard]] std::vector<Domain> domains() const;
    [[nodiscard]] std::vector<Network> networks() const;
    /// The domain or network with that UUID; none when there is none.
    [[nodiscard]] std::optional<Domain> domain(const std::string& uuid) const;
    [[nodiscard]] std::optional<Network> network(const std::string& uuid) const;

    /// Ends an active domain at once.
    void destroy(const std::string& uuid) const;
    /// Removes the definition of a domain, and with it a vm's saved memory state, which could never be restored.
    void undefine(const Domain& domain) const;
    /// Has the network's DNS forget the address, now and when it is started again.
    void forget_host(const std::string& uuid, const std::string& address) const;

  private:
    [[nodiscard]] Outcome run_virsh(const std::vector<std::string>& arguments) const;
    [[nodiscard]] std::string ask(const std::vector<std::string>& arguments) const;
    /// Things of one sort, described by `dump`, of those that `list` names.
    template <typename Thing> [[nodiscard]] std::vector<Thing> describe(std::vector<std::string> uuids) const;
    /// Adds what it is told of them; returns virsh's complaints.
    template <typename Thing>
    std::string describe_once(const std::vector<std::string>& uuids, std::vector<Thing>& things) const;

    std::string program_, uri_;
};

/// A host's drivers: of vms, which has the networks too, and of containers.
struct Hypervisors {
    Virsh vms, containers;

    [[nodiscard]] const Virsh& of(bool is_container) const { return is_container ? containers : vms; }
};

}  // namespace drover::fsck
