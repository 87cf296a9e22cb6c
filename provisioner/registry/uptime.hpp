#pragma once
#include <string>

#include "model/time.hpp"

namespace drover {

/// How long the machine has been up, sleep included: what no setting of the wall clock changes.
struct Uptime {
    std::string boot;  ///< which boot it is about
    Duration since_boot{};
};

/// The kernel's. Any thread.
Uptime kernel_uptime();

}  // namespace drover
