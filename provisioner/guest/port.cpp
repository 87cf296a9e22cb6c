#include "guest/port.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "guest/files.hpp"
#include "model/error.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* port_name = "drover.control\n";
constexpr std::size_t most_waiting = 65536;
constexpr std::chrono::milliseconds look_every{20};
constexpr int looks = 500;

/// Its device file, once the host told the kernel the port's name.
std::optional<fs::path> find_port() {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator("/sys/class/virtio-ports", none))
        if (read_if_there(entry.path() / "name") == port_name) return "/dev" / entry.path().filename();
    return std::nullopt;
}

UniqueFd open_port() {
    if (const auto tty = read_if_there(channel_file)) return open_tty(*tty);
    for (int look = 0; look < looks; ++look) {
        if (const auto path = find_port()) {
            UniqueFd port(open(path->c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
            if (!port) fail("cannot open " + path->string());
            return port;
        }
        std::this_thread::sleep_for(look_every);
    }
    throw Error(ErrorKind::failed, "this guest has no virtio port drover.control");
}

/// Edge-triggered: while no host is connected the port is hung up all the time, and anything else would spin. The
/// kernel makes an edge when the host connects, sends, reads or disconnects.
UniqueFd watch(const UniqueFd& port) {
    UniqueFd events(epoll_create1(EPOLL_CLOEXEC));
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLET;
    if (!events || epoll_ctl(events.get(), EPOLL_CTL_ADD, port.get(), &wanted) != 0) fail("cannot watch the port");
    return events;
}

}  // namespace

UniqueFd open_tty(const std::string& path) {
    UniqueFd tty(open(path.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
    termios form{};
    if (!tty || tcgetattr(tty.get(), &form) != 0) fail("cannot open " + path);
    cfmakeraw(&form);
    if (tcsetattr(tty.get(), TCSANOW, &form) != 0) fail("cannot make raw " + path);
    return tty;
}

Port::Port() : port_(open_port()), events_(watch(port_)) {}

std::optional<Port::Input> Port::wait(std::optional<std::chrono::milliseconds> timeout) {
    epoll_event event{};
    const int count = epoll_wait(events_.get(), &event, 1, timeout ? static_cast<int>(timeout->count()) : -1);
    if (count < 0 && errno != EINTR) fail("cannot wait for the port");
    if (count == 0) return std::nullopt;

    Input input;
    const bool was_away = away_;
    receive(input);
    spoken_to_ = !input.lines.empty() || (was_away && spoken_to_);
    if (!spoken_to_ && input.lost) waiting_.clear();
    away_ = host_is_away();
    input.connected = was_away && !away_;
    flush();
    return input;
}

/// Reads until there is no more: only then there will be another edge.
void Port::receive(Input& input) {
    std::array<char, 4096> piece{};
    ssize_t size = 0;
    while ((size = read(port_.get(), piece.data(), piece.size())) > 0)
        for (auto& line : reader_.feed({piece.data(), static_cast<std::size_t>(size)}))
            input.lines.push_back(std::move(line));
    if (size < 0 && errno != EAGAIN && errno != EINTR) fail("cannot read the port");
    input.lost = size == 0;
    if (input.lost) reader_ = control::LineReader();
}

void Port::send(const std::string& text) {
    if (waiting_.size() + text.size() > most_waiting) waiting_.clear();
    waiting_ += text;
    flush();
}

void Port::flush() {
    while (!waiting_.empty()) {
        const auto size = write(port_.get(), waiting_.data(), waiting_.size());
        if (size > 0) {
            waiting_.erase(0, static_cast<std::size_t>(size));
        } else if (size < 0 && errno == EINTR) {
            continue;
        } else if (size < 0 && errno != EAGAIN) {
            fail("cannot write to the port");
        } else {
            away_ = host_is_away();
            if (away_ && !spoken_to_) waiting_.clear();
            return;
        }
    }
}

bool Port::host_is_away() const {
    pollfd state{port_.get(), 0, 0};
    return poll(&state, 1, 0) == 1 && (state.revents & POLLHUP) != 0;
}

}  // namespace drover::guest
