#pragma once
#include "config/config.hpp"

namespace drover {

/// Runs the daemon until SIGTERM or SIGINT. Guests go on when it ends. Error{denied} without root, Error{refused} when
/// another daemon holds the state folder, Error{unavailable} when the hypervisor is needed for the very first start and
/// does not answer.
void run_daemon(const Config& config);

}  // namespace drover
