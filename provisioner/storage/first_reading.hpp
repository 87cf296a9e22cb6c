#pragma once
#include <thread>

#include "storage/roots.hpp"

namespace drover {

/// Reads every version once, on a thread of its own that lets everybody else go first: a damaged one is found and told
/// of before a guest needs it. Ends with the reading, or soon after its own end is wanted.
class FirstReading {
  public:
    /// `roots` outlives it.
    explicit FirstReading(Roots& roots);

  private:
    std::jthread thread_;
};

}  // namespace drover
