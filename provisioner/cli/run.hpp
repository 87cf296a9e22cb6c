#pragma once
#include <string>
#include <vector>

#include "cli/console.hpp"

namespace drover::cli {

/// The whole of `drover` but for the process around it: reads the command line (without the program's name), does what
/// it says and returns the exit code. Never throws: an Error is written to console.err, as JSON where --json asks so.
int run(const std::vector<std::string>& arguments, Console& console);

}  // namespace drover::cli
