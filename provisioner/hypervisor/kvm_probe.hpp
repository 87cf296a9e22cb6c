#pragma once
#include <string>

#include "hypervisor/connection.hpp"
#include "hypervisor/ownership.hpp"

namespace drover {

/// Starts the probe of probe_xml() and tells whether it switched itself off within 8 s. Leaves nothing behind; what a
/// killed daemon left of an earlier one is removed first. Error{unavailable} as for Connection::call.
///
/// The device node proves nothing: there are machines where /dev/kvm opens and no guest ever makes progress.
bool kvm_works(Connection& connection, const Ownership& ownership, const std::string& xml);

}  // namespace drover
