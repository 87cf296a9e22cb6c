#pragma once
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "hypervisor/domains.hpp"
#include "model/sync.hpp"

namespace drover {

/// The domains of a host that has a driver for each kind: each call goes to the one whose domain the guest has.
class DomainsByKind : public Domains {
  public:
    /// `uses_containers` tells whether there are guests of that kind: without any, their driver need not be there.
    /// Asked from any thread.
    DomainsByKind(std::unique_ptr<Domains> vms, std::unique_ptr<Domains> containers,
                  std::function<bool()> uses_containers);

    void define(const DomainSpec& spec) override;
    void start(GuestId id) override { of(id).start(id); }
    void suspend(GuestId id) override { of(id).suspend(id); }
    void resume(GuestId id) override { of(id).resume(id); }
    void press_power_button(GuestId id) override { of(id).press_power_button(id); }
    void force_off(GuestId id) override { of(id).force_off(id); }
    void undefine(GuestId id) override;
    void rename(const DomainSpec& spec, bool live) override { of(spec.id).rename(spec, live); }
    void set_background(GuestId id, bool background) override { of(id).set_background(id, background); }
    std::vector<DomainSeen> list() override;
    DomainSeen look(GuestId id) override { return of(id).look(id); }
    std::optional<double> cpu_seconds(GuestId id) override { return of(id).cpu_seconds(id); }
    UniqueFd open_channel(GuestId id) override { return of(id).open_channel(id); }
    UniqueFd open_console(GuestId id) override { return of(id).open_console(id); }
    void watch(std::function<void(GuestId)> changed) override;
    bool probe_kvm(const std::string& kernel, const std::string& initrd) override;

  private:
    Domains& of(GuestId id);
    void note(GuestId id, Kind kind);

    std::unique_ptr<Domains> vms_, containers_;
    std::function<bool()> uses_containers_;
    Synchronized<std::unordered_map<GuestId, Kind>>
        kinds_;  ///< of the guests that a domain was seen of: it never changes
};

}  // namespace drover
