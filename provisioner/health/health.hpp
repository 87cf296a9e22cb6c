#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "health/rules.hpp"
#include "model/rounds.hpp"
#include "model/sync.hpp"
#include "registry/registry.hpp"

namespace drover {

/// What health needs of others; all outlive it.
struct HealthParts {
    const Config& config;
    Registry& registry;
    /// The herd's doors: Herd::for_each_pulse, pulse, ask_for_life, nudge.
    std::function<void(const std::function<void(const Pulse&)>&)> for_each_pulse;
    std::function<std::optional<Pulse>(GuestId)> pulse;
    std::function<void(const std::vector<LifeQuestion>&)> ask;
    std::function<void(const std::vector<GuestId>&)> nudge;
    /// Why nobody can judge a guest here and now: the hypervisor is away, the host is stopped; empty: nothing.
    std::function<std::string()> blind;
    std::function<HostLoad()> load;  ///< how the host fares
    /// ServiceDesk::wanted_up, down_though_wanted, restart; none: nobody has any.
    std::function<std::vector<ServiceRow>()> services_wanted, services_down;
    std::function<void(const ServiceRow&)> restart_service;
};

/// Watches over ready guests: asks each for a word on its control channel now and then, has the herd stop and start
/// those that say none, follows what comes of it, and notes what guests say of their disks, memories and clocks. One
/// thread, whatever their number. It writes what guests should be, and the herd does the rest.
///
/// Why nothing was done is as important as what was: the ladder can be paused, and holds by itself when too many are
/// silent at once or the host is no judge of its guests; story() tells it all.
class Health {
  public:
    explicit Health(HealthParts parts);
    Health(const Health&) = delete;
    Health& operator=(const Health&) = delete;

    void start();

    /// Any thread, all of these.
    [[nodiscard]] HealthState state();
    [[nodiscard]] std::vector<GuestHealth> of(const std::vector<Guest>& guests);
    [[nodiscard]] HealthStory story(const Guest& guest);
    void pause(const Caller& caller, const std::optional<Duration>& lasts, const std::string& reason);
    /// Nothing is paused: nothing.
    void resume(const Caller& caller);
    /// A probe of the guest failed, and its profile wants this service restarted: done unless something holds, it is
    /// wanted down, or its tries are used up.
    void mend_service(GuestId id, const std::string& service, const std::string& why);

  private:
    using Clock = Pulse::Clock;
    struct Pause {
        HealthPause said;
        std::optional<Clock::time_point> until;
    };
    /// What is remembered of a guest that had trouble.
    struct Memory {
        std::deque<Decision> decisions;  ///< what no event tells
        std::string last;                ///< the last of these, without its numbers
        health::Alarms alarms;
    };
    /// One look at all guests.
    struct Look {
        Clock::time_point now;
        health::Census census;
        std::vector<Pulse> due;
    };

    void tick();
    Look look();
    void note_holds(const Look& look);
    void tell_state(const Look& look);
    [[nodiscard]] std::string reason_to_hold(const Look& look);
    [[nodiscard]] std::string held();
    void check(const Look& look);
    void act(const Pulse& pulse, Clock::time_point now);
    void learn_services(Clock::time_point now);
    std::vector<std::string> services_to_ask(const Pulse& pulse, Clock::time_point now);
    void mend_services(const Look& look);
    void mend(const ServiceRow& row, const std::string& why, Clock::time_point now);
    [[nodiscard]] bool is_wanted(const ServiceRow& row) const;
    bool tend_service(const Heals::Open& heal);
    void tend();
    bool tend(const Heals::Open& heal);
    void note_levels(const Pulse& pulse, Clock::time_point now);
    void decide(GuestId id, const std::string& what, const std::string& text);
    void forget();
    void load_pause();
    void end_pause_if_over();
    [[nodiscard]] GuestHealth judge(const Guest& guest, long long tries);
    [[nodiscard]] std::string next_for(const Guest& guest, const GuestHealth& health, Clock::time_point at);
    [[nodiscard]] Heals::Limit limit() const;
    [[nodiscard]] bool is_healing(GuestId id);

    HealthParts parts_;
    const Duration interval_, beat_;
    Clock::time_point begun_, looked_, forgotten_;
    Clock::time_point late_until_;  ///< this thread was not let run: nobody's silence is told from that
    bool has_seen_ = false;         ///< the hypervisor answered, or had time enough to
    health::Suspension suspension_;
    std::optional<std::string> told_;  ///< the reason that the registry knows; none: what a killed daemon left
    Synchronized<HealthState> state_;  ///< but for the pause
    Synchronized<std::optional<Pause>> pause_;
    Synchronized<std::unordered_map<GuestId, Memory>> memories_;
    Synchronized<std::set<GuestId>> healing_;  ///< guests with an open heal
    std::set<GuestId> restarting_;             ///< of these: because of their silence
    /// Services are asked about by their guests' moments. Of each: when it was asked about, when it was restarted.
    using ServiceKey = std::pair<GuestId, std::string>;
    struct ServiceMemory {
        Time asked;
        std::optional<Clock::time_point> restarted;
        bool given_up = false;
    };
    std::unordered_map<GuestId, std::vector<ServiceRow>> wanted_;
    std::optional<Clock::time_point> learnt_;  ///< when these were read
    std::map<ServiceKey, ServiceMemory> services_;
    std::set<ServiceKey> down_;
    Synchronized<std::vector<std::pair<ServiceRow, std::string>>> failing_;  ///< by probes, and why
    Rounds rounds_;
};

}  // namespace drover
