#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/connection.hpp"
#include "hypervisor/names_folder.hpp"
#include "hypervisor/networks.hpp"

namespace drover {

/// Which network is ours: told from a foreign one of the same name by its UUID, which is derived from the registry's.
struct OwnNetwork {
    std::string name, uuid;
    std::string folder;      ///< of its guests' names
    bool is_played = false;  ///< by libvirt's test driver
};

/// The network of one instance on libvirt: a bridge with NAT, and libvirt's dnsmasq for names, which watches a folder
/// for them. libvirt is not told to start it by itself: ensure() does.
class LibvirtNetworks : public Networks {
  public:
    /// `registry`: UUID of the registry. `name`: the network's. `folder`: absolute, for the names, this network's
    /// alone; the way to it must be open to the account that dnsmasq runs under. The connection must outlive this.
    LibvirtNetworks(Connection& connection, std::string instance, const std::string& registry, std::string name,
                    const std::string& folder);

    /// Also starts a DNS server that is not running any more.
    void ensure(const NetworkSpec& spec) override;
    void remove() override;
    void add_name(const HostName& host) override;
    void remove_name(Address address) override;
    std::vector<HostName> names() override;
    std::vector<Subnet> taken_subnets() override;

  private:
    Connection& connection_;
    std::string instance_;
    NamesFolder folder_;
    std::shared_ptr<const OwnNetwork> own_;  ///< calls share it: one that was given up may outlive this
};

}  // namespace drover
