#pragma once
#include <condition_variable>
#include <mutex>

#include "model/time.hpp"

namespace drover {

/// Wakes one thread that looks after something, however often it is rung until then.
class Bell {
  public:
    /// Any thread, returns at once.
    void ring() {
        {
            const std::lock_guard lock(mutex_);
            rung_ = true;
        }
        rings_.notify_all();
    }
    /// Until it is rung, or was since the last wait, at most `longest`.
    void wait(Duration longest) {
        std::unique_lock lock(mutex_);
        rings_.wait_for(lock, longest, [this] { return rung_; });
        rung_ = false;
    }

  private:
    std::mutex mutex_;
    std::condition_variable rings_;
    bool rung_ = false;
};

}  // namespace drover
