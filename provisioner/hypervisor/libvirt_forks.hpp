#pragma once
#include <memory>

#include "hypervisor/connection.hpp"
#include "hypervisor/forks.hpp"
#include "hypervisor/ownership.hpp"
#include "model/sync.hpp"

namespace drover {

/// Forks on libvirt's QEMU driver, of the host that this process runs on.
class LibvirtForks : public Forks {
  public:
    /// `registry`: UUID of the registry. The connection must outlive this.
    LibvirtForks(Connection& connection, std::string instance, std::string registry);

    std::map<std::string, std::string> needs(const DomainSpec& spec) override;
    void boot_template(const DomainSpec& spec, const std::string& memory) override;
    void freeze(const std::string& state) override;
    void fork(const DomainSpec& spec, const TemplateFiles& files) override;

  private:
    /// What the hypervisor of this connection runs guests with.
    struct Machine {
        std::map<std::string, std::string> facts;
        std::string emulator;  ///< path
    };
    using KnownMachines = std::map<bool, Machine>;  ///< by whether it is KVM
    Machine machine(bool kvm);

    Connection& connection_;
    std::shared_ptr<const Ownership> ours_;                  ///< calls share it: one that was given up may outlive this
    std::shared_ptr<Synchronized<KnownMachines>> machines_;  ///< forgotten when the connection is made anew
};

}  // namespace drover
