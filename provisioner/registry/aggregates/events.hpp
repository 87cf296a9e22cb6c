#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// What befalls guests and is news to others: one got ready, was off after it had run, went for good, or got a fault;
/// an operation of several guests ended.
enum class Happening { ready, stopped, gone, fault, wave_done };

/// The log of what happened: one row an event, in order.
class Events {
  public:
    explicit Events(Session& session) : session_(session) {}
    void add(const std::string& kind, const std::string& guest, std::optional<OperationId> operation,
             const std::string& message);
    /// Those after `id`, oldest first, at most `limit`, of one guest's owner only when `visible_owner` is given.
    std::vector<Event> since(long long id, int limit, const std::optional<std::string>& visible_owner);
    struct Batch {
        std::vector<Event> events;
        long long up_to = 0;  ///< the last event that was looked at
    };
    /// Of those after `id` the first that are this happening, at most `limit`.
    Batch happened(Happening happening, long long id, int limit);
    /// The newest id, 0 for none.
    long long last();
    /// `added` is called after each commit that added events, from the committing thread, outside of all locks. It must
    /// return fast. Set once, at the start.
    void watch(std::function<void()> added);

  private:
    Session& session_;
};

}  // namespace drover
