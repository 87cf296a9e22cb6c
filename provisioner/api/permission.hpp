#pragma once
#include "api/call.hpp"
#include "api/doors.hpp"

namespace drover::api {

/// Whether hooks are being asked about this call and were not heard yet: there is nothing to do. Error{refused} when
/// they were, and refuse.
bool is_being_asked(const Call& call);

/// Whether the hooks at request-pre let this request pass; false: they were not heard yet, ask again after the next
/// news. Error{refused} with what they say.
bool is_permitted(const Doors& doors, const Call& call, std::string_view verb, const wire::Json& request);

}  // namespace drover::api
