#include "cli/terminal.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "model/error.hpp"

namespace drover::cli {
namespace {

bool is_same(const termios& one, const termios& other) {
    return one.c_iflag == other.c_iflag && one.c_oflag == other.c_oflag && one.c_lflag == other.c_lflag;
}

}  // namespace

RawTerminal::RawTerminal(int input, int output, std::string farewell)
    : input_(input), output_(output), farewell_(std::move(farewell)) {
    std::array<int, 2> pipe{};
    if (::tcgetattr(input_, &before_) != 0 || ::pipe2(pipe.data(), O_CLOEXEC) != 0)
        throw Error(ErrorKind::failed, std::string("the terminal: ") + std::strerror(errno));
    raw_ = before_;
    ::cfmakeraw(&raw_);
    lifeline_ = UniqueFd(pipe[1]);
    guardian_ = ::fork();
    if (guardian_ == 0) guard(pipe[0]);
    ::close(pipe[0]);
    if (guardian_ < 0 || ::tcsetattr(input_, TCSADRAIN, &raw_) != 0)
        throw Error(ErrorKind::failed, std::string("the terminal: ") + std::strerror(errno));
}

/// Told so, it only ends; when the program ends without a word, it does what that could not do. In a session of its
/// own: what is sent to the program's group does not reach it. A terminal that somebody changed meanwhile is theirs.
void RawTerminal::guard(int lifeline) const {
    ::setsid();
    constexpr int kept = 10;
    const bool is_terminal = ::isatty(output_) != 0;
    const UniqueFd output(is_terminal ? ::fcntl(output_, F_DUPFD, kept) : -1);
    const UniqueFd input(::fcntl(input_, F_DUPFD, kept)), life(::fcntl(lifeline, F_DUPFD, kept));
    constexpr int most_files = 1024;
    for (int fd = 0; fd < most_files; ++fd)  // the program's own end of the lifeline above all
        if (fd != output.get() && fd != input.get() && fd != life.get()) ::close(fd);
    char word = 0;
    ssize_t size = 0;
    do size = ::read(life.get(), &word, 1);
    while (size < 0 && errno == EINTR);
    termios now{};
    if (size == 0 && ::tcgetattr(input.get(), &now) == 0 && is_same(now, raw_)) {
        ::tcsetattr(input.get(), TCSANOW, &before_);
        if (output) write_all(output.get(), farewell_);
    }
    ::_exit(0);
}

void RawTerminal::restore() const {
    if (::isatty(output_) != 0) write_all(output_, farewell_);
    ::tcsetattr(input_, TCSADRAIN, &before_);
}

RawTerminal::~RawTerminal() {
    restore();
    write_all(lifeline_.get(), "q");
    while (::waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR) continue;
}

SignalFile::SignalFile() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) sigaddset(&set, number);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    fd_ = UniqueFd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

SignalFile::~SignalFile() {
    while (next() != 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int SignalFile::next() const {
    signalfd_siginfo info{};
    return ::read(fd_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

Size size_of_terminal(int fd) {
    winsize size{};
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const auto size = ::write(fd, text.data(), text.size());
        if (size > 0) {
            text.remove_prefix(static_cast<std::size_t>(size));
        } else if (size < 0 && errno == EAGAIN) {
            pollfd writable{fd, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (size < 0 && errno != EINTR) {
            return false;
        }
    }
    return true;
}

}  // namespace drover::cli
