#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/health.hpp"
#include "model/requests.hpp"

namespace drover {

class Session;

/// What was done for guests that fell silent or fell over, and how long that counts.
class Heals {
  public:
    explicit Heals(Session& session) : session_(session) {}

    /// A ready guest that is to be ready is to be stopped and started, if nobody wrote its row since `guest` was read:
    /// want.boot counts up. In the same transaction: it counts as a try, and an event says why. `limit.tries` within
    /// `limit.forget` are enough: then it gets a fault instead.
    struct Limit {
        long long tries = 0;
        Duration forget{0};
    };
    enum class Outcome { begun, used_up, lost };
    Outcome restart(const Guest& guest, const Limit& limit, const std::string& why);
    /// Something of the guest, a service, is to be started anew: counts, and says so, as restart(); used up: says that
    /// once, and no fault.
    Outcome begin(const Guest& guest, const std::string& subject, const Limit& limit, const std::string& message);

    /// How many count, of the guest itself or of a subject in it.
    long long count(GuestId guest, const std::string& subject, Duration forget);
    /// The same of all guests' selves that have any.
    std::map<GuestId, long long> counts(Duration forget);
    /// When the oldest that counts is forgotten, from now; none: there is none.
    std::optional<Duration> forgotten_in(GuestId guest, Duration forget);
    /// One that is not over: the guest is not well again.
    struct Open {
        long long id = 0;
        GuestId guest = 0;
        std::string subject, action;
        Time time;
    };
    std::vector<Open> open();
    /// How many there were of each action, ever: "restart" of a silent guest, "start" of one that was off, "service".
    std::map<std::string, long long> tallies();
    bool is_open(GuestId guest, const std::string& subject);
    /// It is over; `message`, if any, becomes an event.
    void end(const Open& heal, const std::string& message);
    /// Those that count no longer are removed.
    void forget_old(Duration forget);

    /// Until when nothing is to be done, who says so and why.
    std::optional<HealthPause> pause();
    void set_pause(const Caller& caller, const std::optional<Duration>& lasts, const std::string& reason);
    /// False: there was none. `who`: an account, or what ended it.
    bool end_pause(const std::string& who);
    /// Why nothing is done though nobody paused it, for who reads the registry alone; empty: no reason.
    void set_suspended(const std::string& reason);

    /// The last events of health and faults of the guest, oldest first, at most `limit`.
    std::vector<Event> story(const std::string& guest, int limit);

  private:
    Session& session_;
};

}  // namespace drover
