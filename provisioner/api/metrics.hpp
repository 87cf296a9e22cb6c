#pragma once
#include <string>
#include <vector>

#include "pool/keeper.hpp"

namespace drover {

/// How pools are, in Prometheus' text format: a gauge or counter each, labelled by image, profile and kind.
std::string metrics_text(const std::vector<PoolState>& states);

}  // namespace drover
