#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "hypervisor/connection.hpp"
#include "hypervisor/domains.hpp"
#include "hypervisor/forks.hpp"
#include "hypervisor/networks.hpp"

namespace drover {

/// The hypervisor that the configuration names, and what stands in for it or for its guests when tests ask for that.
class Hypervisor {
  public:
    /// Does not connect yet. `registry` is the UUID of the registry: the owner tag.
    /// `uses_containers`: as for DomainsByKind.
    Hypervisor(const Config& config, const std::string& registry, std::function<bool()> uses_containers);

    /// Whether guests of kind container are real ones.
    [[nodiscard]] bool runs_containers() const { return containers_.has_value(); }

    /// What the calls to each driver cost, by kind of guest; none that is simulated.
    [[nodiscard]] std::vector<std::pair<Kind, const CallMeter*>> meters() const {
        std::vector<std::pair<Kind, const CallMeter*>> meters;
        if (connection_) meters.emplace_back(Kind::vm, &connection_->meter());
        if (containers_) meters.emplace_back(Kind::container, &containers_->meter());
        return meters;
    }

    Domains& domains() { return *domains_; }
    /// Null where no guest can be forked.
    Forks* forks() { return forks_; }
    /// Of one of the configuration's networks, by its number: the default one is 0.
    Networks& networks(std::size_t number = 0) { return *networks_.at(number); }

  private:
    EventLoop events_;
    std::optional<Connection> connection_, containers_;
    std::unique_ptr<Domains> domains_;
    std::unique_ptr<Forks> own_forks_;
    Forks* forks_ = nullptr;  ///< those, or what the domains are too
    std::vector<std::unique_ptr<Networks>> networks_;
};

}  // namespace drover
