#pragma once
#include <vector>

#include "model/probe.hpp"
#include "storage/strict_yaml.hpp"

namespace drover {

/// What stands under `probes` of a profile. Error{usage} with file, line and value.
std::vector<Probe> read_probes(const StrictYaml& profile);

}  // namespace drover
