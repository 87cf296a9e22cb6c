#pragma once
#include <string>

#include "api/call.hpp"
#include "api/doors.hpp"

namespace drover::api {

/// The guest of this name. Guests of others do not exist for the caller: Error{not_found}.
Guest visible_guest(const Doors& doors, const Call& call, const std::string& name);

}  // namespace drover::api
