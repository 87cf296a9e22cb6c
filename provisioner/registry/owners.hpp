#pragma once
#include <string>

#include "model/requests.hpp"
#include "registry/session.hpp"

/// Owners inside a transaction of the caller. For the files of this room only.
namespace drover {

/// Error{not_found} when there is none of this name.
Owner read_owner(soci::session& sql, const std::string& name);

/// Error{refused} when `more` guests beside the `kept` ones are more than the owner's quota.
void check_quota(const std::string& owner, long long quota, long long kept, long long more);

}  // namespace drover
