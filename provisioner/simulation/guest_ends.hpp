#pragma once
#include <condition_variable>
#include <list>
#include <map>

#include "model/sync.hpp"
#include "model/unique_fd.hpp"
#include "simulation/choir.hpp"
#include "simulation/store.hpp"

namespace drover {

/// The guests' ends of the lines, and what is said at them. They are open in a file table that no other thread shares:
/// all of this, from making to unmaking, belongs to one thread.
class GuestEnds {
  public:
    /// What it shares with the rest of the process.
    struct Shared {
        Synchronized<Choir>& choir;
        std::condition_variable& told_to_stop;  ///< the choir has news of that kind
        const Store& store;
        const UniqueFd& waker;  ///< readable: look into the choir
        const UniqueFd& hatch;  ///< where the ends come in, one for each deed "open", in the same order
    };

    /// Leaves the file table of the process.
    explicit GuestEnds(const Shared& shared);
    /// Returns at the end of the choir.
    void serve();

  private:
    struct Line {
        UniqueFd end;
        bool followed = false;  ///< what comes on it wakes us
    };

    bool serve_due();
    void serve(GuestId id);
    void catch_up(Choir& choir);
    bool converse(GuestId id, Voice& voice);
    void follow(GuestId id, bool listens);

    const Shared shared_;
    UniqueFd ready_;
    std::map<GuestId, std::list<Line>> lines_;  ///< of a guest's lines only the first is served
};

}  // namespace drover
