#include "simulation/file_table.hpp"

#include <linux/close_range.h>
#include <sys/socket.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <set>
#include <string>

#include "model/error.hpp"

namespace drover {
namespace {

// TSan knows descriptors by their numbers only: the same number in two tables looks like a race to it.
#ifdef __SANITIZE_THREAD__
constexpr bool may_have_own = false;
#else
constexpr bool may_have_own = true;
#endif

struct Message {
    char byte = 0;
    iovec content{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{.msg_name = nullptr,
                  .msg_namelen = 0,
                  .msg_iov = &content,
                  .msg_iovlen = 1,
                  .msg_control = control,
                  .msg_controllen = sizeof control,
                  .msg_flags = 0};
};

}  // namespace

void own_file_table(std::initializer_list<int> kept) {
    std::set<unsigned> open{0, 1, 2};
    open.insert(kept.begin(), kept.end());
    if (!may_have_own || ::close_range(*open.rbegin() + 1, UINT_MAX, CLOSE_RANGE_UNSHARE) != 0) return;
    // POSIX locks belong to the table: those of SQLite outlive that its files are closed here.
    unsigned next = 0;
    for (const auto number : open) {
        if (number > next) ::close_range(next, number - 1, 0);
        next = number + 1;
    }
}

bool give(const UniqueFd& socket, const UniqueFd& descriptor) {
    Message message;
    cmsghdr& control = *CMSG_FIRSTHDR(&message.header);
    control.cmsg_level = SOL_SOCKET;
    control.cmsg_type = SCM_RIGHTS;
    control.cmsg_len = CMSG_LEN(sizeof(int));
    const int number = descriptor.get();
    std::memcpy(CMSG_DATA(&control), &number, sizeof number);
    if (::sendmsg(socket.get(), &message.header, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) return true;
    if (errno == EAGAIN || errno == EINTR || errno == ETOOMANYREFS) return false;
    throw Error(ErrorKind::failed, std::string("pass a descriptor: ") + std::strerror(errno));
}

UniqueFd take(const UniqueFd& socket) {
    Message message;
    if (::recvmsg(socket.get(), &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1) return UniqueFd();
    const cmsghdr* control = CMSG_FIRSTHDR(&message.header);
    if (control == nullptr || control->cmsg_type != SCM_RIGHTS) return UniqueFd();
    int number = -1;
    std::memcpy(&number, CMSG_DATA(control), sizeof number);
    return UniqueFd(number);
}

}  // namespace drover
