#pragma once
#include <string>
#include <vector>

#include "model/address.hpp"

namespace drover {

/// The network of one instance.
struct NetworkSpec {
    std::string instance;  ///< names the network; its bridge is "<instance>-br"
    std::string registry;  ///< UUID of the registry: the network's UUID, so that a foreign one is told apart
    Subnet subnet;
    std::string domain;  ///< DNS domain of the guests, e.g. "drover.internal"
};

/// A name that the network's DNS answers.
struct HostName {
    Address address;
    std::string name;
    auto operator<=>(const HostName&) const = default;  // NOLINT(modernize-use-nullptr): the 0 is clang 14's own
};

/// The seam to the hypervisor's network of one instance. Deadlines, threads, errors and repetition as for Domains.
class Networks {
  public:
    virtual ~Networks() = default;

    /// Makes and starts the network when it is not there or not running; an existing one of other shape is remade
    /// only when no guest is plugged in, else Error{refused}, and keeps its names. A network of that name that is not
    /// ours: Error{refused}.
    virtual void ensure(const NetworkSpec& spec) = 0;
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
