#pragma once
#include <chrono>
#include <optional>
#include <string>

#include "model/guest.hpp"
#include "model/sync.hpp"
#include "registry/registry.hpp"

namespace drover {

/// Whether guests are to run on this host at all: `drover host stop` says no, durably and without a word about what
/// each guest is wanted to be, until `drover host start` or until the host has booted anew. Any thread.
class HostMode {
  public:
    using Clock = std::chrono::steady_clock;

    /// `boot_id` tells this boot of the host from others. A host that has booted since is started anew.
    HostMode(Registry& registry, std::string boot_id);

    /// From now on no guest is to run here; those that still do when `budget` has passed are forced off.
    void stop(Duration budget);
    /// Guests are to be again what they were; those that autostart always or never, as that says. Where guests may run
    /// already: nothing.
    void start();

    /// When those that still run are forced off; nothing while guests may run.
    [[nodiscard]] std::optional<Clock::time_point> force_at() const { return *force_at_.lock(); }
    [[nodiscard]] bool is_stopped() const { return force_at().has_value(); }
    [[nodiscard]] bool is_overdue() const;
    /// What the guest is to be here and now. A pool's guest is made anew elsewhere or later: gone.
    [[nodiscard]] Desired wanted(const Guest& guest) const;

  private:
    void start_anew();

    Registry& registry_;
    std::string boot_id_;
    mutable Synchronized<std::optional<Clock::time_point>> force_at_;
};

}  // namespace drover
