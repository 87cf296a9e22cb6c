#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "api/call.hpp"
#include "registry/registry.hpp"

namespace drover {

/// Who is at the other end of a connected Unix socket: by SO_PEERCRED and SO_PEERGROUPS, never by what it says. Root
/// and members of the group drover-admin (supplementary groups count) are administrators. `gateway`: the uid of the
/// account that speaks for others.
Peer peer_at(int socket, std::optional<uid_t> gateway);

/// The uid that `gateway.uid` means, none when it is empty. Error{usage} when there is no such account.
std::optional<uid_t> gateway_uid(const std::string& account);

/// Who the peer acts as: itself, or the account that the gateway names in the header On-Behalf-Of, which is never an
/// administrator. Error{denied} for the gateway without the header and for anybody else with it, lest it be ignored;
/// Error{usage} for what is no account name.
Caller acting_caller(const Peer& peer, const std::optional<std::string>& on_behalf_of);

/// The only owner whose guests exist for the caller: none for administrators (all), the one whose login is its account
/// for anybody else, and "" (which no guest has) for an account that is nobody's login.
std::optional<std::string> visible_owner(const Caller& caller, Registry& registry);

}  // namespace drover
