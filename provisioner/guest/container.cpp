#include "guest/container.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string>

#include "guest/files.hpp"
#include "guest/init.hpp"
#include "guest/keep.hpp"
#include "guest/kernel_line.hpp"
#include "guest/mounts.hpp"
#include "guest/port.hpp"
#include "guest/reset.hpp"
#include "guest/seed.hpp"
#include "guest/settings.hpp"

namespace drover::guest {
namespace {

constexpr const char* root = "/";
constexpr const char* overlay = "/mnt";  ///< where libvirt mounts it; every root has the folder
constexpr const char* channel = "/dev/tty2";

/// The daemon begins everything it says with an empty line.
void await_the_host() {
    const UniqueFd tty = open_tty(channel);
    pollfd readable{tty.get(), POLLIN, 0};
    while (poll(&readable, 1, -1) <= 0 || (readable.revents & POLLIN) == 0) continue;
}

[[noreturn]] void boot(const KernelLine& line) {
    nest_mounts();
    leave_only(line.keep, overlay);
    reset_paths(line.profile, root, overlay);
    seed(line.profile, root, overlay, line.version);
    lay_out(line.profile, root, overlay, Inside::container);
    put_folder("/run/drover", 0755);
    put_file(channel_file, channel, 0644);
    mask_boot_id("/run/drover/boot-id");
    start_root_init();
}

/// A fork whose child is process 1 of a nested pid namespace: when that ends, all of the guest does.
pid_t start_guest(const KernelLine& line) {
    const auto child = static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWPID | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    if (child < 0) fail("cannot start the guest");
    if (child > 0) return child;
    try {
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_UNBLOCK, &all, nullptr);
        setsid();
        boot(line);
    } catch (const std::exception& error) {
        say(std::string("fatal: ") + error.what());
    }
    _exit(1);
}

/// How the guest ended, and until then hands each SIGTERM on as the image's init wants it.
int await_end(pid_t guest, const sigset_t& signals, int power_off_signal) {
    for (;;) {
        int status = 0;
        if (waitpid(guest, &status, WNOHANG) == guest) return status;
        if (sigwaitinfo(&signals, nullptr) == SIGTERM) kill(guest, power_off_signal);
    }
}

/// reboot(2) in a pid namespace ends its first process by SIGHUP for a restart, and by SIGINT for a power-off. One that
/// was killed otherwise crashed, which in a vm is a kernel that panics: it starts anew.
bool wants_another_boot(int status) {
    if (!WIFSIGNALED(status) || WTERMSIG(status) == SIGINT) return false;
    if (WTERMSIG(status) != SIGHUP) sleep(1);
    return true;
}

/// libvirt gives the first tty to this process's session; the guest's own shell is to have it.
void give_up_console() {
    const auto before = std::signal(SIGHUP, SIG_IGN);
    ioctl(STDIN_FILENO, TIOCNOTTY);  // without one there is nothing to give up
    std::signal(SIGHUP, before);     // NOLINT(cert-err33-c): it refuses only what is no signal
}

void run(std::string_view text) {
    give_up_console();
    const auto line = parse_kernel_line(text);
    const auto settings = parse_settings(read_if_there("/etc/drover/guest.conf").value_or(""));
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGCHLD);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    await_the_host();
    while (wants_another_boot(await_end(start_guest(line), signals, settings.power_off_signal))) continue;
}

}  // namespace

void run_container(std::string_view line) {
    try {
        run(line);
    } catch (const std::exception& error) {
        say(std::string("fatal: ") + error.what());
    }
    _exit(0);  // of process 1: the container's end
}

}  // namespace drover::guest
