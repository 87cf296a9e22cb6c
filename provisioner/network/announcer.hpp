#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/rounds.hpp"
#include "network/frr.hpp"

namespace drover {

/// Has FRR on this host announce the prefixes of routed networks, and sees to it that it goes on doing so: what was
/// told to FRR is lost when it restarts. FRR, its daemons and its neighbours are the administrator's; nothing is done
/// where no protocol is chosen. What is announced stays so when this ends: guests go on without this daemon. One
/// thread.
class Announcer {
  public:
    /// `tell` is called when something changed that people want to know: announced, not announced and why.
    Announcer(RoutingPolicy policy, const std::vector<Announced>& networks,
              std::function<void(const std::string&)> tell);
    Announcer(const Announcer&) = delete;
    Announcer& operator=(const Announcer&) = delete;

    /// Begins, and looks again every half a minute.
    void start();
    /// Tells FRR what it does not know yet. Empty: it announces all; else why it does not. Any thread.
    [[nodiscard]] std::string ensure();

  private:
    void round();
    [[nodiscard]] std::string vtysh(const std::vector<std::string>& arguments) const;
    void say(const std::string& text) const;

    const RoutingPolicy policy_;
    const std::string announcement_;
    std::function<void(const std::string&)> tell_;
    std::optional<std::string> told_;
    Rounds rounds_;
};

}  // namespace drover
