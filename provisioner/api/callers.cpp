#include "api/callers.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <vector>

#include "model/error.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

constexpr const char* administrators = "drover-admin";

std::vector<gid_t> peer_groups(int socket) {
    socklen_t size = 0;
    std::vector<gid_t> groups;
    while (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0 && errno == ERANGE) {
        groups.resize(size / sizeof(gid_t));
    }
    groups.resize(size / sizeof(gid_t));
    return groups;
}

std::optional<gid_t> group_named(const char* name) {
    std::array<char, 4096> buffer{};
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return std::nullopt;
    return found->gr_gid;
}

std::string account_name(uid_t uid) {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        return fmt::format("uid {}", uid);
    }
    return found->pw_name;
}

}  // namespace

Peer peer_at(int socket, std::optional<uid_t> gateway) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        throw Error(ErrorKind::denied, "cannot tell who is asking");
    }
    std::vector<gid_t> groups = peer_groups(socket);
    groups.push_back(peer.gid);
    const auto admin = group_named(administrators);
    const bool member = admin && std::find(groups.begin(), groups.end(), *admin) != groups.end();
    return {{account_name(peer.uid), peer.uid == 0 || member}, peer.uid == gateway};
}

std::optional<uid_t> gateway_uid(const std::string& account) {
    if (account.empty()) return std::nullopt;
    uid_t uid = 0;
    const auto* end = account.data() + account.size();
    if (std::from_chars(account.data(), end, uid).ptr == end) return uid;
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r(account.c_str(), &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
        return found->pw_uid;
    }
    throw Error(ErrorKind::usage, fmt::format("gateway.uid: no account '{}' on this host", account),
                "create it, or name another in the configuration");
}

Caller acting_caller(const Peer& peer, const std::optional<std::string>& on_behalf_of) {
    if (!peer.gateway) {
        if (!on_behalf_of) return peer.caller;
        throw Error(ErrorKind::denied, fmt::format("'{}' may not act on behalf of others", peer.caller.name),
                    "only the account that gateway.uid names sends the header On-Behalf-Of");
    }
    if (!on_behalf_of) {
        throw Error(ErrorKind::denied, fmt::format("'{}' is the gateway and does nothing on its own", peer.caller.name),
                    "name a user's account in the header On-Behalf-Of");
    }
    check_login(*on_behalf_of);
    return {.name = *on_behalf_of, .administrator = false, .through = peer.caller.name};
}

std::optional<std::string> visible_owner(const Caller& caller, Registry& registry) {
    if (caller.administrator) return std::nullopt;
    return registry.owners.of_login(caller.name).value_or("");
}

}  // namespace drover
