#pragma once
#include <string>

namespace drover {

/// Starts all containers of an instance whose daemon does not run, as somebody would who has libvirt and nothing else:
/// a bare loop of virDomainCreate, so many at once, and a word to each guest so that it becomes READY. The seconds of
/// it.
double bare_starts(const std::string& config, const std::string& subnet, int at_once);

}  // namespace drover
