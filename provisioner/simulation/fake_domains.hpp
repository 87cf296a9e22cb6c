#pragma once
#include <memory>

#include "control/codec.hpp"
#include "hypervisor/domains.hpp"
#include "hypervisor/forks.hpp"

namespace drover {

/// How a guest of FakeDomains behaves, from its next start on.
struct Behaviour {
    bool answers = true;         ///< on its channel: HELLO, READY after IDENTITY, off after STOP
    bool obeys_button = true;    ///< powers off when the power button is pressed
    bool dies_at_start = false;  ///< its domain crashes as soon as it has started
    int failing_starts = 0;      ///< so many calls of start() are Error{failed} first
    int failing_forks = 0;       ///< the same of fork()
    bool refuses_renewal = false;
    bool loses_key = false;  ///< went off before its host key had reached its disk
};

/// A small working hypervisor. Its guests answer through the real codec on real sockets. It tells of changes from a
/// thread "fake-events". Thread-safe; nothing takes time.
class FakeDomains : public Domains, public Forks {
  public:
    struct Options {
        bool kvm = false;    ///< what probe_kvm() says
        std::string folder;  ///< keeps the domains, a file each, so that they outlive this process; empty: in memory
    };
    FakeDomains();
    explicit FakeDomains(const Options& options);
    ~FakeDomains() override;

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
    bool probe_kvm(const std::string& kernel, const std::string& initrd) override;

    std::map<std::string, std::string> needs(const DomainSpec& spec) override;
    void boot_template(const DomainSpec& spec, const std::string& memory) override;
    void freeze(const std::string& state) override;
    void fork(const DomainSpec& spec, const TemplateFiles& files) override;

    // --- what the world does -----------------------------------------------------------------------------------

    /// How this guest behaves; without an id all that have no behaviour of their own.
    void behave(GuestId id, const Behaviour& behaviour);
    void behave(const Behaviour& behaviour);
    /// A running guest: its QEMU dies; it powers itself off; it restarts itself and says HELLO again.
    void crash(GuestId id);
    void power_off(GuestId id);
    void reboot(GuestId id);
    /// The hypervisor is another release now.
    void set_release(const std::string& release);
    /// Every call is Error{unavailable} until it is reachable again; guests live on.
    void set_reachable(bool reachable);
    /// Somebody else has a domain of that name.
    void add_foreign(GuestId id);

    // --- what a test asks ----------------------------------------------------------------------------------------

    /// How often start() was called and did something, as long as it has a domain; and fork().
    [[nodiscard]] int starts(GuestId id) const;
    [[nodiscard]] int forks(GuestId id) const;
    /// What a running guest was told to be; an empty name when nothing.
    [[nodiscard]] control::Identity identity(GuestId id) const;
    [[nodiscard]] std::vector<std::string> authorized_keys(GuestId id) const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
