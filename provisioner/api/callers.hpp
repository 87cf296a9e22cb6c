#pragma once
#include "model/requests.hpp"
#include "registry/registry.hpp"

namespace drover {

/// Who is at the other end of a connected Unix socket: by SO_PEERCRED and SO_PEERGROUPS, never by what it says. Root
/// and members of the group drover-admin (supplementary groups count) are administrators.
Caller caller_at(int socket);

/// The only owner whose guests exist for the caller: none for administrators (all), the one whose login is its account
/// for anybody else, and "" (which no guest has) for an account that is nobody's login.
std::optional<std::string> visible_owner(const Caller& caller, Registry& registry);

}  // namespace drover
