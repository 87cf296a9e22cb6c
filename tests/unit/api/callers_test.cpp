#include "api/callers.hpp"

#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "model/unique_fd.hpp"

namespace drover {
namespace {

const Peer alice{{"alice", false}, false};
const Peer root{{"root", true}, false};
const Peer gateway{{"web", false}, true};
const Peer mighty_gateway{{"root", true}, true};

/// The kind of error that the peer gets with this header.
ErrorKind refusal(const Peer& peer, const std::optional<std::string>& on_behalf_of) {
    try {
        acting_caller(peer, on_behalf_of);
    } catch (const Error& error) {
        return error.kind();
    }
    ADD_FAILURE() << peer.caller.name << " was let through";
    return ErrorKind::failed;
}

TEST(ActingCaller, IsThePeerItselfWithoutTheHeader) {
    EXPECT_EQ(acting_caller(alice, std::nullopt).who(), "alice");
    EXPECT_FALSE(acting_caller(alice, std::nullopt).administrator);
    EXPECT_TRUE(acting_caller(root, std::nullopt).administrator);
}

TEST(ActingCaller, IsTheUserWhomTheGatewayNames) {
    const Caller caller = acting_caller(gateway, "alice");
    EXPECT_EQ(caller.name, "alice");
    EXPECT_EQ(caller.who(), "alice (through web)");
}

TEST(ActingCaller, IsNeverAnAdministratorThroughTheGateway) {
    for (const Peer& peer : {gateway, mighty_gateway}) {
        for (const char* user : {"alice", "root", "web"}) EXPECT_FALSE(acting_caller(peer, user).administrator) << user;
    }
}

TEST(ActingCaller, TheGatewayDoesNothingOnItsOwn) {
    for (const Peer& peer : {gateway, mighty_gateway}) EXPECT_EQ(refusal(peer, std::nullopt), ErrorKind::denied);
}

TEST(ActingCaller, NobodyElseSendsTheHeader) {
    for (const Peer& peer : {alice, root}) {
        for (const char* user : {"alice", "root", "bob", ""}) EXPECT_EQ(refusal(peer, user), ErrorKind::denied);
    }
}

TEST(ActingCaller, TheUserIsAnAccountName) {
    const std::string longest(32, 'a');
    EXPECT_EQ(acting_caller(gateway, longest).name, longest);
    for (const std::string& wrong :
         {std::string(), longest + "a", std::string("Alice"), std::string("alice "), std::string("alice,bob"),
          std::string("../alice"), std::string("1000"), std::string("alice (through web)"), std::string("al\0ice", 6),
          std::string("\xd0\xb0lice"), std::string("-a")}) {
        EXPECT_EQ(refusal(gateway, wrong), ErrorKind::usage) << wrong;
    }
}

TEST(GatewayUid, IsANumberOrTheUidOfAnAccount) {
    EXPECT_EQ(gateway_uid(""), std::nullopt);
    EXPECT_EQ(gateway_uid("0"), 0U);
    EXPECT_EQ(gateway_uid("4294967294"), 4294967294U);
    EXPECT_EQ(gateway_uid("root"), 0U);
    EXPECT_THROW(gateway_uid("no-such-account"), Error);
}

TEST(PeerAt, TellsTheAccountAndTheGatewayByTheSocket) {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    const UniqueFd one(ends[0]);
    const UniqueFd other(ends[1]);
    const Peer peer = peer_at(one.get(), std::nullopt);
    const passwd* account = getpwuid(geteuid());
    ASSERT_NE(account, nullptr);
    EXPECT_EQ(peer.caller.name, account->pw_name);
    EXPECT_FALSE(peer.gateway);
    EXPECT_TRUE(peer_at(one.get(), geteuid()).gateway);
    EXPECT_FALSE(peer_at(one.get(), geteuid() + 1).gateway);
}

}  // namespace
}  // namespace drover
