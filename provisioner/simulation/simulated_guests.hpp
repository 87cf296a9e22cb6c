#pragma once
#include <memory>

#include "hypervisor/domains.hpp"
#include "hypervisor/forks.hpp"
#include "simulation/voices.hpp"

namespace drover {

/// A hypervisor whose domains are real and whose guests are not, as libvirt's test driver has them: answers on the
/// control channel in the guests' place. Everything else is the hypervisor's. As thread-safe as that.
class SimulatedGuests : public Domains, public Forks {
  public:
    /// `folder`: keeps what the guests remember beyond the end of this process.
    SimulatedGuests(std::unique_ptr<Domains> hypervisor, std::string folder);

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
    UniqueFd open_console(GuestId /*id*/) override { return {}; }
    void watch(std::function<void(GuestId)> changed) override;
    /// False: nothing would run.
    bool probe_kvm(const std::string& kernel, const std::string& initrd) override;

    /// A fork is a start of the hypervisor's, and a guest that says that it was forked; templates are nothing to it.
    std::map<std::string, std::string> needs(const DomainSpec& spec) override;
    void boot_template(const DomainSpec& spec, const std::string& memory) override;
    void freeze(const std::string& state) override;
    void fork(const DomainSpec& spec, const TemplateFiles& files) override;

  private:
    void power_off(GuestId id);

    std::unique_ptr<Domains> hypervisor_;
    Voices voices_;
};

}  // namespace drover
