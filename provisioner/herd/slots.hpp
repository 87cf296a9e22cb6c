#pragma once
#include <deque>
#include <optional>
#include <unordered_set>

#include "model/guest.hpp"
#include "model/sync.hpp"

namespace drover {

/// How many steps may load the host at once. Who finds no slot waits in line and is named when one is left. Any thread.
class Slots {
  public:
    explicit Slots(int count) : count_(count) {}

    /// Takes a slot; false: none is free, the guest waits in line.
    bool enter(GuestId id) {
        auto state = state_.lock();
        if (state->taken < count_) {
            ++state->taken;
            return true;
        }
        if (state->waiting.insert(id).second) state->line.push_back(id);
        return false;
    }

    /// Gives a slot back; the guest that should try next, if one waits.
    std::optional<GuestId> leave() {
        auto state = state_.lock();
        --state->taken;
        if (state->line.empty()) return std::nullopt;
        const GuestId next = state->line.front();
        state->line.pop_front();
        state->waiting.erase(next);
        return next;
    }

  private:
    struct State {
        int taken = 0;
        std::deque<GuestId> line;
        std::unordered_set<GuestId> waiting;
    };
    int count_;
    Synchronized<State> state_;
};

}  // namespace drover
