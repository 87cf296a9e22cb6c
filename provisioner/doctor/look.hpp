#pragma once
#include <string>

#include "doctor/doctor.hpp"
#include "doctor/picture.hpp"

namespace drover::doctor {

/// Looks at the host once. What cannot be looked at is hidden in the picture, with the reason.
Picture look(const Config& config, const Doctor::Tools& tools);

/// What `virsh version --daemon` prints, taken apart. Error{unavailable} when that is something else.
Hypervisor parse_version(const std::string& text);

/// What the registry's file says, read and never written; nothing when there is no file. Error{unavailable}.
Herd read_herd(const std::string& file, const std::string& boot_id);

}  // namespace drover::doctor
