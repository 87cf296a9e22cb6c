#pragma once
#include <chrono>
#include <string>

namespace drover::guest {

/// Runs the program without arguments, on the standard descriptors of the caller, and waits for it. What it leaves
/// running in the background is not waited for. Error{failed} when it cannot be started, ends badly, or is not done
/// within `deadline`, after which it is killed with its process group.
void run_program(const std::string& path, std::chrono::milliseconds deadline);

}  // namespace drover::guest
