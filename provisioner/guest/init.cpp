#include "guest/init.hpp"

#include <fcntl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <string>

#include "guest/files.hpp"
#include "guest/fork_point.hpp"
#include "guest/keep.hpp"
#include "guest/kernel_line.hpp"
#include "guest/modules.hpp"
#include "guest/mounts.hpp"
#include "guest/port.hpp"
#include "guest/renewal.hpp"
#include "guest/reset.hpp"
#include "guest/seed.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

constexpr const char* root = "/sysroot";
constexpr const char* overlay = "/overlay";
constexpr const char* modules = "/modules";

[[noreturn]] void power_off() {
    sync();
    reboot(RB_POWER_OFF);
    for (;;) pause();  // a machine that cannot power off halts; pid 1 must not end
}

/// Nothing of the guest's disk is known yet: what the forks go on with may be another one.
void wait_to_be_forked() {
    Port port;
    ForkPoint point(renew_kernel);
    wait_at(point, port);  // what was said after RENEW is said again to the guest that has booted
}

/// The initramfs stays in memory for ever: what is not needed any more goes.
void free_initramfs() {
    fs::remove_all(modules);
    fs::remove("/init");
}

[[noreturn]] void boot() {
    mount_kernel_file_systems();
    const auto line = parse_kernel_line(read_if_there("/proc/cmdline").value_or(""));
    if (line.probe) {
        say("probe: it runs");
        power_off();
    }
    load_modules(modules);
    if (line.template_ == "early") wait_to_be_forked();
    mount_disks(root, overlay);
    leave_only(line.keep, overlay);
    reset_paths(line.profile, root, overlay);
    seed(line.profile, root, overlay, line.version);
    lay_out(line.profile, root, overlay, Inside::vm);
    free_initramfs();
    move_root(root);
    start_root_init();
}

}  // namespace

void say(const std::string& text) {
    const UniqueFd console(open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC));
    const auto line = "drover: " + text + "\n";
    // Nobody is left to tell when there is no console, or it does not take it.
    [[maybe_unused]] const auto written = write(console.get(), line.data(), line.size());
}

void start_root_init() {
    const char* path = "/sbin/init";
    execl(path, path, nullptr);
    fail(std::string("cannot start ") + path);
}

void run_init() {
    try {
        boot();
    } catch (const std::exception& error) {
        say(std::string("fatal: ") + error.what());
    }
    power_off();
}

}  // namespace drover::guest
