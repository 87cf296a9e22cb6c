#include "api/callers.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "model/error.hpp"

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

Caller caller_at(int socket) {
    ucred peer{};
    socklen_t size = sizeof(peer);
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        throw Error(ErrorKind::denied, "cannot tell who is asking");
    }
    std::vector<gid_t> groups = peer_groups(socket);
    groups.push_back(peer.gid);
    const auto admin = group_named(administrators);
    const bool member = admin && std::find(groups.begin(), groups.end(), *admin) != groups.end();
    return {account_name(peer.uid), peer.uid == 0 || member};
}

std::optional<std::string> visible_owner(const Caller& caller, Registry& registry) {
    if (caller.administrator) return std::nullopt;
    return registry.owners.of_login(caller.name).value_or("");
}

}  // namespace drover
