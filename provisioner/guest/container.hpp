#pragma once
#include <string_view>

namespace drover::guest {

/// Process 1 of a container: waits until somebody on the host has spoken on the control channel, by when the
/// container's limits are in force, and then runs the root's own init in namespaces nested in the container's, as often
/// as that restarts itself or is killed: so a restart is what it is in a vm, a new HELLO on the same channel. SIGTERM
/// is the power button. Ends with the container. `line`: the profile, as on a vm's kernel command line.
[[noreturn]] void run_container(std::string_view line);

}  // namespace drover::guest
