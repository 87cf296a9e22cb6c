#pragma once
#include <deque>
#include <optional>
#include <unordered_set>

#include "model/guest.hpp"
#include "model/sync.hpp"

namespace drover {

/// How many steps may load the host at once. Who finds no slot waits in line; a slot that is left is kept for the first
/// in line, who is named so that somebody calls it. Any thread.
class Slots {
  public:
    explicit Slots(int count) : count_(count) {}

    /// Takes a slot; false: none is free, the guest waits in line.
    bool enter(GuestId id) {
        auto state = state_.lock();
        if (state->kept.erase(id) > 0) return true;
        if (state->taken < count_ && state->line.empty()) {
            ++state->taken;
            return true;
        }
        if (state->waiting.insert(id).second) state->line.push_back(id);
        return false;
    }

    /// Gives a slot back; whom it is kept for now, if one waits.
    std::optional<GuestId> leave() { return pass_on(*state_.lock()); }

    /// The guest was called and had its turn: a slot that was kept for it and that it did not need goes to the next,
    /// who is named. Else the slot would be lost, and with it everybody in line.
    std::optional<GuestId> decline(GuestId id) {
        auto state = state_.lock();
        if (state->kept.erase(id) == 0) return std::nullopt;
        return pass_on(*state);
    }

  private:
    struct State {
        int taken = 0;  ///< in use or kept
        std::deque<GuestId> line;
        std::unordered_set<GuestId> waiting, kept;
    };

    static std::optional<GuestId> pass_on(State& state) {
        if (state.line.empty()) {
            --state.taken;
            return std::nullopt;
        }
        const GuestId next = state.line.front();
        state.line.pop_front();
        state.waiting.erase(next);
        state.kept.insert(next);
        return next;
    }

    int count_;
    Synchronized<State> state_;
};

}  // namespace drover
