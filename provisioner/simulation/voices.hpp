#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "model/guest.hpp"
#include "model/unique_fd.hpp"

namespace drover {

/// The guests' ends of the control channels where no guest really runs: they speak through the real codec on real
/// sockets, from one thread "guests". Their ends do not count against the process's limit of open files: that thread
/// has a file table of its own. Any thread.
class Voices {
  public:
    /// `folder`: keeps what guests remember beyond the end of this process; empty: nothing does. `told_to_stop` is
    /// called from a thread of ours when a guest was told STOP; it may call anything here.
    Voices(std::string folder, std::function<void(GuestId)> told_to_stop);
    ~Voices();
    Voices(const Voices&) = delete;
    Voices& operator=(const Voices&) = delete;

    /// The guest boots: all that it had is its host key. Lines stay connected over a restart from within.
    void boot(GuestId id);
    /// It begins at its fork point, and knows nothing. `refuses`: to be renewed.
    void fork(GuestId id, bool refuses = false);
    /// It goes on as it was when this process last ended; a guest that left no memory boots.
    void go_on(GuestId id);
    /// It ends; its lines are closed a moment later.
    void halt(GuestId id);
    /// Its overlay is gone, and with it what it remembered.
    void forget(GuestId id);
    /// A muted guest neither hears nor says anything.
    void mute(GuestId id, bool muted);
    /// A new line to the guest: the host's end. As QEMU does, it serves the oldest of those that are open.
    UniqueFd connect(GuestId id);

    /// What it was told: to stop, who it is (an empty name: nothing yet), whose keys let in.
    bool told_to_stop(GuestId id);
    control::Identity identity(GuestId id);
    std::vector<std::string> authorized_keys(GuestId id);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
