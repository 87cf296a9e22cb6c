#pragma once
#include <string>

#include "api/doors.hpp"

namespace drover {

/// All that is counted, in Prometheus' text format. Costs a few grouped SELECTs; any thread.
std::string metrics_text(const Doors& doors);

}  // namespace drover
