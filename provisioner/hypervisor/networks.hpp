#pragma once
#include <string>
#include <vector>

#include "model/network.hpp"

namespace drover {

/// One network of an instance.
struct NetworkSpec {
    std::string instance;  ///< its bridge is "<instance>-br", unless it has another
    std::string registry;  ///< UUID of the registry: the network's UUID, so that a foreign one is told apart
    Subnet subnet;
    std::string domain;  ///< DNS domain of the guests, e.g. "drover.internal"
    NetworkMode mode = NetworkMode::nat;
    std::string bridge{};              ///< empty: as above
    int vlan = 0;                      ///< of mode bridge; 0: none
    std::optional<Subnet6> subnet6{};  ///< none: no IPv6

    [[nodiscard]] std::string bridge_name() const { return bridge.empty() ? instance + "-br" : bridge; }
};

/// What `network` of the instance is to the hypervisor.
NetworkSpec spec_of(const Network& network, const std::string& instance, const std::string& registry);

/// A name that the networks' DNS answers.
struct HostName {
    Address address;
    std::string name;
    std::optional<Address6> address6{};                 ///< none: it has no IPv6 address
    std::string mac{};                                  ///< whom the networks' DHCP gives the address; empty: nobody
    auto operator<=>(const HostName&) const = default;  // NOLINT(modernize-use-nullptr): the 0 is clang 14's own
};

/// The seam to one of the hypervisor's networks of an instance, and to the names that all of them share. Deadlines,
/// threads, errors and repetition as for Domains.
class Networks {
  public:
    virtual ~Networks() = default;

    /// Makes and starts the network when it is not there or not running; an existing one of other shape is remade
    /// only when no guest is plugged in, else Error{refused}, and keeps its names. What is no part of that shape (mode,
    /// IPv6, DHCP) is changed at once where no guest is plugged in, else from its next start on. A network of that name
    /// that is not ours, a bridge that is not there or cannot have the tag: Error{refused}. Whether it was not running.
    virtual bool ensure(const NetworkSpec& spec) = 0;
    /// Stops and removes it; absent: nothing.
    virtual void remove() = 0;
    /// DNS answers `host` from now on; an older entry of that address or name goes. Milliseconds,
    /// however many names there are.
    virtual void add_name(const HostName& host) = 0;
    /// DNS forgets the entry of that address; absent: nothing.
    virtual void remove_name(Address address) = 0;
    /// What the network's DNS is configured to answer; a name is "" where that cannot be told: remove_name mends it.
    virtual std::vector<HostName> names() = 0;
    /// Subnets in use on this host, by interfaces, routes and other networks: `auto` keeps clear of them.
    virtual std::vector<Subnet> taken_subnets() = 0;
};

/// A private /20 (4,093 guests) that overlaps none of `taken`. Error{refused} when there is none.
Subnet free_subnet(const std::vector<Subnet>& taken);

}  // namespace drover
