#include "guest/program.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "guest/files.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover::guest {
namespace {

constexpr int cannot_execute = 127;

pid_t start(const std::string& path) {
    const pid_t child = fork();
    if (child < 0) fail("cannot start " + path);
    if (child > 0) return child;
    setsid();
    execl(path.c_str(), path.c_str(), nullptr);
    _exit(cannot_execute);
}

/// Whether the child ended before the deadline; it is not reaped.
bool ends_within(pid_t child, std::chrono::milliseconds deadline) {
    const UniqueFd handle(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    if (!handle) fail("cannot watch a program");
    pollfd watched{handle.get(), POLLIN, 0};
    int ready = 0;
    do ready = poll(&watched, 1, static_cast<int>(deadline.count()));
    while (ready < 0 && errno == EINTR);
    return ready > 0;
}

int reap(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

}  // namespace

void run_program(const std::string& path, std::chrono::milliseconds deadline) {
    const pid_t child = start(path);
    const bool ended = ends_within(child, deadline);
    if (!ended) {
        kill(-child, SIGKILL);
        kill(child, SIGKILL);  // it may not have come to have a group of its own
    }
    const int status = reap(child);
    if (!ended) throw Error(ErrorKind::failed, path + " did not end in time");
    if (WIFSIGNALED(status))
        throw Error(ErrorKind::failed, path + " was ended by signal " + std::to_string(WTERMSIG(status)));
    if (WEXITSTATUS(status) != 0)
        throw Error(ErrorKind::failed, path + " ended with status " + std::to_string(WEXITSTATUS(status)));
}

}  // namespace drover::guest
