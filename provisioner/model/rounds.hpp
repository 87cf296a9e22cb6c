#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "model/time.hpp"

namespace drover {

/// A thread that looks after something: one round after the other, with a rest between them.
class Rounds {
  public:
    Rounds() = default;
    /// As end(). What the rounds use must still be there: this is its owner's last member.
    ~Rounds();
    Rounds(const Rounds&) = delete;
    Rounds& operator=(const Rounds&) = delete;

    /// Begins with the first round. `name` is the thread's, at most 15 characters; `nice` as of be_nice(). `round`
    /// returns how long to rest at most, and throws nothing. Once.
    void start(const char* name, int nice, std::function<Duration()> round);
    /// The rest ends now; during a round: there is none after it. Any thread, also before the start.
    void wake();
    /// Returns when the round under way, if any, was the last. Repeatable; not from a round.
    void end();

  private:
    /// True: there is a next round.
    bool rest(Duration longest);

    std::mutex mutex_;
    std::condition_variable news_;
    bool woken_ = false, ending_ = false;
    std::thread thread_;
};

}  // namespace drover
