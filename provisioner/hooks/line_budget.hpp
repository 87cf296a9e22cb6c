#pragma once
#include <chrono>
#include <cstddef>
#include <string>

namespace drover {

/// How much of what a hook prints gets into the log: so many lines a minute, each cut; the others are counted.
class LineBudget {
  public:
    using Clock = std::chrono::steady_clock;

    /// The text to log for this line; empty: it is one too many. What was left out is told when a minute is over.
    std::string take(const std::string& line, Clock::time_point now);

  private:
    Clock::time_point began_{};
    std::size_t taken_ = 0, left_out_ = 0;
};

/// Without control characters, and cut.
std::string printable_line(std::string line);

}  // namespace drover
