#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// Guests that are lent until some day: notices before it, a stop then, and after a time of grace a backup and the
/// retirement. Each step is told in the log and taken once.
class Leases {
  public:
    explicit Leases(Session& session) : session_(session) {}
    enum class Step { month_left = 1, week_left, day_left, stop, back_up, retire };
    struct Due {
        Guest guest;
        Step step = Step::stop;
    };
    /// What is to be done now, a step of each guest at most; `grace` passes between stop and backup, by the time that
    /// certainly passed. A protected guest stays stopped.
    std::vector<Due> due(Duration grace);
    /// It is done.
    void note(const Due& done, const std::string& message);
    /// The next day on which a lease ends, if there is one to come.
    std::optional<Time> next();
    /// Whether any that ended has steps left.
    bool pending();

  private:
    Session& session_;
};

}  // namespace drover
