#pragma once
#include <string>
#include <vector>

#include "wire/wire.hpp"

namespace drover::cli {

/// What `drover top` shows of one answer to GET /v1/overview, line by line, without colours: the herd by phase, waves
/// and what holds them, the host's load, pools, operations, and the last events. `time` is when it was asked.
std::vector<std::string> frame_of(const wire::Json& overview, const std::string& time);

}  // namespace drover::cli
