#pragma once
#include <chrono>

#include "guest/conversation.hpp"
#include "guest/services.hpp"
#include "guest/settings.hpp"

namespace drover::guest {

/// The guest that this program runs in. One thread.
class ThisGuest : public Machine {
  public:
    /// Reads /etc/drover/guest.conf.
    ThisGuest();

    std::string boot_id() override;
    std::string host_key() override;
    std::string digest_in_force() override;
    std::optional<Introduction> last_introduction() override;
    void put_host_key(std::string_view seed) override;
    void set_clock(std::int64_t time) override;
    void put_into_force(const Introduction& introduction) override;
    void keep() noexcept override;
    std::optional<control::Levels> levels() override;
    std::optional<Hiding> hiding(const PathChange& change) override;
    void reset_later(const std::vector<PathChange>& changes) override;
    std::string serve(const control::ServiceOrder& order) override;
    std::vector<control::ServiceState> services_known() override;
    void put_password(const control::Password& password) override;

    /// What is being done to services, beside the conversation.
    Services& services() { return services_; }

    /// It is a template for the fork point `ready`, or a fork of one that is not renewed yet.
    [[nodiscard]] bool is_template() const;
    /// Makes a template fit to be forked: waits until everything that the image starts is up and at rest, forgets what
    /// it has of its own, and hides the kernel's boot id, which its forks cannot change. Repeatable.
    void settle();
    /// Makes a fork different from its template. Throws when any part of it failed. Repeatable.
    void renew(const control::Renew& renew);

    /// Asks init to power off in order, and returns.
    void power_off() const;

  private:
    void forget_what_is_in_force();
    [[nodiscard]] bool is_written_here(const std::string& path) const;

    Settings settings_;
    Introduction latest_;  ///< put into force last
    std::string digest_;   ///< of what is in force; empty: nothing is
    std::chrono::steady_clock::time_point next_levels_;
    Services services_;
};

}  // namespace drover::guest
