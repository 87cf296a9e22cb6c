#pragma once
#include <chrono>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "control/sessions.hpp"
#include "model/shadow.hpp"

namespace drover {

/// Questions on the control channels and what the guests answer. A guest can answer only what it is asked, once, in
/// time; whatever else it says is no answer, and nobody but itself is told nonsense about. Any thread.
class Questions {
  public:
    explicit Questions(control::Sessions& sessions) : sessions_(sessions) {}

    /// One guest's answer.
    struct Answer {
        std::vector<Shadow> shadows;  ///< in the order of the question
        std::string trouble;          ///< why it is none; empty: it is one
    };
    /// Many guests are asked about the same paths.
    using Paths = std::shared_ptr<const std::vector<PathChange>>;
    using PathsByGuest = std::map<GuestId, Paths>;

    /// Asks all of them at once which of these paths hide what their new root has. Returns when each has answered, or
    /// after `patience`. What does not fit into a line must not be among the paths: askable().
    std::map<GuestId, Answer> shadows(const PathsByGuest& asked, Duration patience);
    /// Has each note what to give back to the root when it boots on that root; none: nothing. As shadows().
    std::map<GuestId, Answer> reset(const PathsByGuest& told, Duration patience);
    /// Whether the path can be told on the channel.
    static bool askable(const PathChange& change);

    /// A word of the guest's, from the thread of the sessions.
    void heard(GuestId id, const control::FromGuest& message);

  private:
    class Exchange;
    template <typename Request> std::map<GuestId, Answer> ask_all(const PathsByGuest& asked, Duration patience);
    void begin_free(std::list<Exchange>& exchanges);

    control::Sessions& sessions_;
    std::mutex mutex_;
    std::condition_variable news_;
    std::map<GuestId, Exchange*> open_;  ///< at most one for each guest
};

}  // namespace drover
