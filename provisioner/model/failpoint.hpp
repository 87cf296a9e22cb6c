#pragma once
#include <span>
#include <string>
#include <string_view>

/// Places at which a test ends the daemon as a power cut would: between any effect and its commit, before and after
/// each commit. Always compiled in; nothing is armed unless the daemon was told to.
namespace drover {

/// All names, in the order in which docs/design/0007-failpoints.md explains them.
std::span<const std::string_view> failpoint_names();

/// Arms one: "NAME", or "NAME:K" for its K-th passing. Error{usage} for an unknown name or a K below 1. Once, before
/// other threads begin.
void arm_failpoint(std::string_view text);

/// Ends the process with SIGKILL when this is the armed passing of `name` and `moment`, written together. Any thread.
void failpoint(std::string_view name, std::string_view moment = "");

}  // namespace drover
