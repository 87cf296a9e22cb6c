#pragma once
#include <string>
#include <vector>

#include "fsck/virsh.hpp"

namespace drover::fsck {

/// The domains of a simulated hypervisor, which keeps them in a folder, a file of JSON each. Error{unavailable} for a
/// file that cannot be read.
std::vector<Domain> simulated_domains(const std::string& folder);

}  // namespace drover::fsck
