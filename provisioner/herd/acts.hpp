#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "control/sessions.hpp"
#include "model/guest.hpp"
#include "model/service.hpp"

namespace drover {

/// What one guest is to be told, and does once.
struct Act {
    using Clock = std::chrono::steady_clock;

    GuestId guest = 0;
    std::optional<OperationId> operation;    ///< that asked for it; none: nobody did
    std::string service;                     ///< that it is about; empty: none
    std::vector<control::FromDaemon> lines;  ///< what it is told
    std::uint32_t n = 0;                     ///< whose answer ends it
    Clock::time_point asked = Clock::now(), told, answered;
};

/// An act that is over.
struct EndedAct {
    Act act;
    std::string trouble;                            ///< why it was not done; empty: it was
    ServiceStatus status = ServiceStatus::unknown;  ///< what the guest said of the service meanwhile
};

/// Acts on guests: one at a time for each guest, in the order in which they were begun, each with a time limit; nobody
/// waits in a thread of its own. A guest can end only what it was told, once. Any thread.
class Acts {
  public:
    /// Takes what ended, some at a time, on a thread of its own. When it throws, it gets the same again a second later.
    using Handler = std::function<void(const std::vector<EndedAct>&)>;

    Acts(control::Sessions& sessions, Handler handler, Duration patience = std::chrono::seconds(100));
    ~Acts();

    /// Tells the guest as soon as what was begun before has ended and there is a channel. Returns at once.
    void begin(Act act);
    /// Hands over one that needs not be told, with those that ended.
    void note(EndedAct ended);
    /// A word of the guest's, from the thread of the sessions. True: it ended an act.
    bool heard(GuestId id, const control::FromGuest& message);
    /// The guest cannot do any of it: all end for this reason.
    void lost(GuestId id, const std::string& why);
    /// Ends the thread. Nothing is handed over or told from now on.
    void close();

  private:
    using Clock = Act::Clock;
    struct Open {
        EndedAct end;
        Clock::time_point until;
        bool told = false;
    };
    using Line = std::deque<Open>;  ///< of one guest; the first is being done

    void tell_first_locked(GuestId id, Line& line);
    void end_first_locked(GuestId id, const std::string& trouble);
    bool take_locked(GuestId id, Open& first, const control::FromGuest& message);
    void give_up_late_locked();
    void work();
    [[nodiscard]] Clock::time_point next_locked() const;
    bool hand_over(const std::vector<EndedAct>& ended);

    control::Sessions& sessions_;
    Handler handler_;
    Duration patience_;
    std::mutex mutex_;
    std::condition_variable news_;
    std::unordered_map<GuestId, Line> lines_;
    std::set<std::pair<Clock::time_point, GuestId>> limits_;  ///< of the first of each line
    std::vector<EndedAct> ended_;
    bool closed_ = false;
    std::thread thread_;
};

}  // namespace drover
