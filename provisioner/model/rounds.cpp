#include "model/rounds.hpp"

#include <pthread.h>

#include <utility>

#include "model/thread.hpp"

namespace drover {

Rounds::~Rounds() { end(); }

void Rounds::start(const char* name, int nice, std::function<Duration()> round) {
    thread_ = std::thread([this, name, nice, round = std::move(round)] {
        pthread_setname_np(pthread_self(), name);
        be_nice(nice);
        while (rest(round())) {
        }
    });
}

void Rounds::wake() {
    {
        const std::lock_guard lock(mutex_);
        woken_ = true;
    }
    news_.notify_all();
}

void Rounds::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    news_.notify_all();
    if (thread_.joinable()) thread_.join();
}

bool Rounds::rest(Duration longest) {
    std::unique_lock lock(mutex_);
    news_.wait_for(lock, longest, [this] { return woken_ || ending_; });
    woken_ = false;
    return !ending_;
}

}  // namespace drover
