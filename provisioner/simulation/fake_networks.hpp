#pragma once
#include <map>
#include <optional>

#include "hypervisor/networks.hpp"
#include "model/sync.hpp"

namespace drover {

/// A small working network in memory. Thread-safe.
class FakeNetworks : public Networks {
  public:
    bool ensure(const NetworkSpec& spec) override;
    void remove() override;
    void add_name(const HostName& host) override;
    void remove_name(Address address) override;
    std::vector<HostName> names() override;
    std::vector<Subnet> taken_subnets() override;

    // --- what the world does -----------------------------------------------------------------------------------

    /// So many guests are plugged in.
    void set_plugged(int guests);
    /// Every call is Error{unavailable} until it is reachable again.
    void set_reachable(bool reachable);
    /// Somebody else has a network of that name.
    void set_foreign(bool foreign);
    /// Somebody else uses this subnet.
    void take(const Subnet& subnet);

    /// What it was last ensured as; none when it is not there.
    std::optional<NetworkSpec> spec();

  private:
    struct World {
        std::optional<NetworkSpec> spec;
        std::map<Address, HostName> names;
        std::vector<Subnet> taken;
        int plugged = 0;
        bool reachable = true, foreign = false;

        void check() const;
        void check_there() const;
    };
    Synchronized<World> world_;
};

}  // namespace drover
