#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "model/guest.hpp"

namespace drover {

/// Whose turn it is: guests with something to look into, each worked on by at most one thread at a time. Adding a guest
/// that is being worked on makes it come again afterwards, so no news is ever lost. Any thread.
class Agenda {
  public:
    using Clock = std::chrono::steady_clock;

    /// As soon as possible, after those added before. Already waiting: nothing.
    void add(GuestId id);
    /// At `when`, unless something adds it earlier. One such time per guest: a later call replaces it.
    void add_at(GuestId id, Clock::time_point when);
    /// At `when` at the latest: an earlier time stays as it is.
    void add_by(GuestId id, Clock::time_point when);
    /// Blocks until a guest is due that nobody works on; nothing after close().
    std::optional<GuestId> take();
    /// Ends the work that take() began.
    void done(GuestId id);
    /// Wakes everybody in take() for good.
    void close();

  private:
    void add_locked(GuestId id);
    void set_alarm_locked(GuestId id, Clock::time_point when);
    void ring_locked(Clock::time_point now);
    void wait(std::unique_lock<std::mutex>& lock);
    [[nodiscard]] Clock::time_point first_alarm_locked() const;

    std::mutex mutex_;
    std::condition_variable news_;
    std::deque<GuestId> due_;
    std::unordered_set<GuestId> waiting_, busy_, again_;
    std::set<std::pair<Clock::time_point, GuestId>> alarms_;
    std::unordered_map<GuestId, Clock::time_point> alarm_of_;
    Clock::time_point watched_ = Clock::time_point::max();  ///< the alarm that a thread waits for
    bool closed_ = false;
};

}  // namespace drover
