#pragma once
#include <mutex>
#include <utility>

namespace drover {

/// Data that can be reached only while its lock is held: `auto state = state_.lock(); state->...`. Name the guard
/// before a loop over the data: in `for (... : *state_.lock())` it would end before the loop begins.
template <typename T> class Synchronized {
  public:
    /// Holds the lock for as long as it lives.
    class Guard {
      public:
        Guard(std::mutex& mutex, T& data) : lock_(mutex), data_(&data) {}
        T* operator->() { return data_; }
        T& operator*() { return *data_; }
        /// For std::condition_variable::wait.
        std::unique_lock<std::mutex>& handle() { return lock_; }

      private:
        std::unique_lock<std::mutex> lock_;
        T* data_;
    };

    template <typename... Args> explicit Synchronized(Args&&... args) : data_(std::forward<Args>(args)...) {}

    Guard lock() { return Guard(mutex_, data_); }

  private:
    std::mutex mutex_;
    T data_;
};

}  // namespace drover
