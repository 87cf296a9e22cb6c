#pragma once
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "hypervisor/by_kind.hpp"
#include "hypervisor/libvirt.hpp"
#include "hypervisor/libvirt_forks.hpp"
#include "hypervisor/libvirt_networks.hpp"
#include "worlds.hpp"

namespace drover {

/// The libvirtd at qemu:///system and lxc:/// as an instance of its own with a random name, so that it meets nobody's
/// domains.
class RealHost : public World {
  public:
    /// `image`: folder of the guest that talks, or empty. `kind`: of all guests.
    explicit RealHost(std::string image, Kind kind = Kind::vm);
    ~RealHost() override;
    static bool answers();

    Domains& domains() override { return domains_; }
    Networks& networks() override { return networks_; }
    Forks& forks() override { return forks_; }
    std::string file(const std::string& name, long long bytes) override;
    DomainSpec sleeper(GuestId id) override;
    DomainSpec talker(GuestId id) override;
    std::pair<std::string, std::string> probe() override;
    void kill(GuestId id) override;
    NetworkSpec network() override;
    void add_foreign_domain(GuestId id) override;
    void add_foreign_network() override;

    static constexpr const char* uri = "qemu:///system";
    const EventLoop& loop() const { return loop_; }
    Connection& connection() { return connection_; }
    Ownership ownership() const { return {instance_, registry_}; }
    std::string default_user() { return vms_->default_user(); }
    /// The guest's machine stops doing anything, and stays.
    void freeze(GuestId id);
    void kill_dns();
    void stop_network();
    /// Our network as it was made before names had a folder: with this name in itself. Running.
    void make_older_network(const HostName& host);
    /// Whether what is defined watches the folder; else what runs.
    bool watches_folder(bool defined);

  private:
    DomainSpec spec(GuestId id);
    void add_disk(DomainSpec& spec);
    void add_box(DomainSpec& spec);
    void signal_machine(GuestId id, int signal);

    const std::string image_, instance_, registry_;
    const std::filesystem::path folder_;
    EventLoop loop_;
    Connection connection_, container_connection_;
    const Kind kind_;
    LibvirtDomains* vms_;
    DomainsByKind domains_;
    LibvirtForks forks_;
    LibvirtNetworks networks_;
    std::optional<NetworkSpec> network_;
    std::set<GuestId> foreign_;
};

}  // namespace drover
