#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/connection.hpp"
#include "hypervisor/names_folder.hpp"
#include "hypervisor/network_xml.hpp"
#include "hypervisor/networks.hpp"

namespace drover {

/// Which network is ours: told from a foreign one of the same name by its UUID, which is derived from the registry's.
struct OwnNetwork {
    std::string name, uuid;
    NetworkFolders folders;   ///< of its guests' names and reservations
    bool is_played = false;   ///< by libvirt's test driver
    bool is_bridged = false;  ///< a bridge of the host's: libvirt runs no dnsmasq for it
};

/// A network of one instance on libvirt: a bridge, and libvirt's dnsmasq for names, which watches a folder for them.
/// libvirt is not told to start it by itself: ensure() does. All networks of an instance share the folders; the default
/// one removes them with itself.
class LibvirtNetworks : public Networks {
  public:
    /// Which network of the instance it is.
    struct Place {
        std::string network;  ///< its name; empty: the default one
        std::string title;    ///< libvirt's name of it
        NetworkMode mode = NetworkMode::nat;
        NetworkFolders folders;  ///< absolute; the way to them must be open to the account that dnsmasq runs under
    };
    /// `registry`: UUID of the registry. The connection must outlive this.
    LibvirtNetworks(Connection& connection, std::string instance, const std::string& registry, const Place& place);

    /// Also starts a DNS server that is not running any more.
    bool ensure(const NetworkSpec& spec) override;
    void remove() override;
    void add_name(const HostName& host) override;
    void remove_name(Address address) override;
    std::vector<HostName> names() override;
    std::vector<Subnet> taken_subnets() override;

  private:
    Connection& connection_;
    std::string instance_;
    NamesFolder folder_;
    bool is_keeper_;                         ///< of the folders
    std::shared_ptr<const OwnNetwork> own_;  ///< calls share it: one that was given up may outlive this
};

}  // namespace drover
