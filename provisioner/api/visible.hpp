#pragma once
#include <string>

#include "api/call.hpp"
#include "api/doors.hpp"

namespace drover::api {

/// The guest of this name, also a gone one. Error{not_found}: guests of others do not exist for the caller.
Guest visible_guest(const Doors& doors, const Call& call, const std::string& name);

}  // namespace drover::api
