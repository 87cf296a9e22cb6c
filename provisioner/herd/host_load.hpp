#pragma once
#include <string>

#include "model/wave.hpp"

namespace drover {

/// How this host fares now: cores that this process may use, pressure (linux Documentation/accounting/psi.rst),
/// memory that is available, and room on the file system of `folder`. What the kernel does not tell is left out.
HostLoad read_host_load(const std::string& folder);

/// The mean over 10 s of the line that begins with `kind` ("some" or "full") in the text of a file of /proc/pressure.
std::optional<double> pressure_in(const std::string& text, const std::string& kind);

/// MemAvailable in the text of /proc/meminfo, in bytes.
std::optional<long long> free_memory_in(const std::string& text);

}  // namespace drover
