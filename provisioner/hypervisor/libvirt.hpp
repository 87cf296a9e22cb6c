#pragma once
#include <memory>
#include <string>
#include <vector>

#include "hypervisor/connection.hpp"
#include "hypervisor/domains.hpp"
#include "hypervisor/known_tags.hpp"
#include "hypervisor/ownership.hpp"

namespace drover {

/// Domains on libvirt's QEMU driver, of the host that this process runs on; on its driver of containers ("lxc:" URIs);
/// or on its test driver ("test:" URIs), whose domains are entries in a list and never say a word.
class LibvirtDomains : public Domains {
  public:
    /// `registry`: UUID of the registry. `most_processes`: that a container may have. The connection must outlive this.
    LibvirtDomains(Connection& connection, std::string instance, std::string registry, int most_processes = 512);
    ~LibvirtDomains() override;
    LibvirtDomains(const LibvirtDomains&) = delete;
    LibvirtDomains& operator=(const LibvirtDomains&) = delete;

    void define(const DomainSpec& spec) override;
    void start(GuestId id) override;
    void suspend(GuestId id) override;
    void resume(GuestId id) override;
    void press_power_button(GuestId id) override;
    void force_off(GuestId id) override;
    void undefine(GuestId id) override;
    void rename(const DomainSpec& spec, bool live) override;
    void set_background(GuestId id, bool background) override;
    std::vector<DomainSeen> list() override;
    DomainSeen look(GuestId id) override;
    std::optional<double> cpu_seconds(GuestId id) override;
    UniqueFd open_channel(GuestId id) override;
    UniqueFd open_console(GuestId id) override;
    void watch(std::function<void(GuestId)> changed) override;
    bool probe_kvm(const std::string& kernel, const std::string& initrd) override;

    /// "+uid:+gid" that this hypervisor runs its vms as, unless told otherwise.
    std::string default_user();

  private:
    struct Watch;
    struct Driver;
    static const Driver qemu_driver, test_driver, container_driver;
    static const Driver& driver_of(const std::string& uri);

    DomainSeen look_for_fate(GuestId id);
    bool bury(GuestId id);

    Connection& connection_;
    const Driver& driver_;
    int most_processes_;
    std::shared_ptr<const Ownership> ours_;  ///< calls share it: one that was given up may outlive this
    std::shared_ptr<KnownTags> tags_;
    std::shared_ptr<Watch> watch_;
};

}  // namespace drover
