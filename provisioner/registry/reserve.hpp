#pragma once
#include <chrono>
#include <string>

#include "model/sync.hpp"

namespace drover {

/// A file of zeros beside the registry that is given up when the disk is full, so that work under way can still be
/// committed; made again when there is space. Any thread.
class Reserve {
  public:
    /// `size` bytes at `file`; none for size 0.
    Reserve(std::string file, long long size);

    /// Gives its space to the disk. False: there was none to give.
    bool give_up();
    /// Makes it if it is not there and the disk has room for several; looks at most once a second. Never throws: a
    /// reserve that cannot be made now is made later.
    void restore() noexcept;

  private:
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool make() const;

    std::string file_;
    long long size_;
    struct State {
        bool there = false;
        std::chrono::steady_clock::time_point next_look;
    };
    Synchronized<State> state_;
};

}  // namespace drover
