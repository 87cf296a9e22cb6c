#include "hypervisor/channels.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <termios.h>

#include <cerrno>
#include <cstring>

#include "model/error.hpp"

namespace drover {
namespace {

// A busy QEMU takes a moment to let go of former connections; the queue for new ones is short.
bool set_patience(const UniqueFd& channel) {
    const timeval patience{1, 0};
    return ::setsockopt(channel.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0;
}

[[noreturn]] void fail(const std::string& path, int error) {
    const bool ended = error == ENOENT || error == ECONNREFUSED;
    const bool taken = error == EAGAIN;
    throw Error(ended ? ErrorKind::not_found : ErrorKind::failed,
                fmt::format("control channel {}: {}", path, std::strerror(error)),
                taken ? "another program is connected to it: end that one" : "");
}

}  // namespace

UniqueFd connect_channel(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail(path, ENAMETOOLONG);
    path.copy(address.sun_path, path.size());
    UniqueFd channel(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const bool connected = channel && set_patience(channel) &&
                           ::connect(channel.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    if (!connected || ::fcntl(channel.get(), F_SETFL, O_NONBLOCK) < 0) fail(path, errno);
    return channel;
}

UniqueFd open_terminal(const std::string& path) {
    UniqueFd terminal(::open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW));
    termios form{};
    if (!terminal || ::tcgetattr(terminal.get(), &form) != 0) fail(path, errno);
    ::cfmakeraw(&form);
    if (::tcsetattr(terminal.get(), TCSANOW, &form) != 0) fail(path, errno);
    return terminal;
}

}  // namespace drover
