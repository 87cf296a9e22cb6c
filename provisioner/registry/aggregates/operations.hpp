#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// Operations and their items.
class Operations {
  public:
    explicit Operations(Session& session) : session_(session) {}
    /// An operation without guests (an image build): ended by finish().
    OperationId begin(const Caller& caller, const std::string& verb, const std::string& arguments);
    void finish(OperationId id, const std::string& outcome, const std::string& message);
    /// No further guest of it begins, or they do again. Error{not_found}; Error{refused} when it has ended.
    void pause(const Caller& caller, OperationId id, bool paused);
    /// Its guests with which nothing has begun are to be what they were before, and their items end "cancelled": they
    /// are returned. The others go on. `reason` why its wave stopped; empty: somebody cancels it. Errors as above.
    std::vector<GuestId> cancel(const Caller& caller, OperationId id, const std::string& reason = "");
    /// Of an operation whose other guests wait for canaries.
    struct Canaries {
        std::vector<GuestId> pending;  ///< not there yet
        std::string failed;            ///< why one will not get there; empty: none
        std::optional<Time> last;      ///< when the last one got there
        Duration settle{0};            ///< how long they are watched from then on
    };
    /// None when it has none.
    std::optional<Canaries> canaries(OperationId id);
    /// With items. Error{not_found}.
    Operation get(OperationId id);
    /// Without items: costs the same however many there are. Error{not_found}.
    Operation summary(OperationId id);
    /// The same, but only what this caller asked for as this owner exists.
    Operation summary_of(OperationId id, const Caller& caller, const std::string& owner);
    /// Newest first, without items, at most `limit`.
    std::vector<Operation> list(int limit);
    /// The same, but only what this caller asked for as this owner exists.
    std::vector<Operation> list_of(int limit, const Caller& caller, const std::string& owner);
    /// How many there are of one verb that ended, or stand, alike.
    struct Tally {
        std::string verb, outcome;
        long long count = 0;
    };
    std::vector<Tally> tallies();
    /// Among the newest those that have not ended, newest first, at most `limit`.
    std::vector<Operation> running(int limit);
    /// Begun without guests and not finished: what a killed daemon left.
    std::vector<Operation> unfinished_without_items();

  private:
    Session& session_;
};

}  // namespace drover
