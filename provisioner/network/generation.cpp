#include "network/generation.hpp"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <array>
#include <memory>
#include <optional>

#include "model/error.hpp"

namespace drover {
namespace {

constexpr std::uint32_t question = 1;
using Socket = std::unique_ptr<mnl_socket, decltype([](mnl_socket* socket) { mnl_socket_close(socket); })>;

int read_attribute(const nlattr* attribute, void* into) {
    if (mnl_attr_get_type(attribute) == NFTA_GEN_ID)
        *static_cast<std::optional<std::uint32_t>*>(into) = ntohl(mnl_attr_get_u32(attribute));
    return MNL_CB_OK;
}

int read_answer(const nlmsghdr* message, void* into) {
    mnl_attr_parse(message, sizeof(nfgenmsg), read_attribute, into);
    return MNL_CB_STOP;
}

}  // namespace

std::uint32_t rules_generation() {
    std::array<char, 8192> buffer{};
    auto* const message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = question;
    mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg));
    std::optional<std::uint32_t> generation;
    const Socket socket(mnl_socket_open(NETLINK_NETFILTER));
    if (socket && mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) == 0 &&
        mnl_socket_sendto(socket.get(), message, message->nlmsg_len) > 0) {
        const auto size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
        if (size > 0)
            mnl_cb_run(buffer.data(), static_cast<std::size_t>(size), question, mnl_socket_get_portid(socket.get()),
                       read_answer, &generation);
    }
    if (generation) return *generation;
    throw Error(ErrorKind::unavailable, "the kernel does not tell how often its rules were changed",
                "does this kernel have nf_tables?");
}

}  // namespace drover
