#include "hypervisor/lost_container.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>

#include "model/unique_fd.hpp"

namespace drover {
namespace {

// The number of a running container is its controller's process, which is told the name on its command line.
bool controller_lives(int process, const std::string& name) {
    std::ifstream file(fmt::format("/proc/{}/cmdline", process));
    for (std::string word; std::getline(file, word, '\0');)
        if (word == name) return true;
    return false;
}

// proc(5): "PID (NAME) STATE PARENT ...", where NAME may be anything.
pid_t parent_of(pid_t process) {
    std::ifstream file(fmt::format("/proc/{}/stat", process));
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(") ");
    if (name_end == std::string::npos || line.size() < name_end + 4) return -1;
    pid_t parent = -1;
    std::from_chars(line.data() + name_end + 4, line.data() + line.size(), parent);
    return parent;
}

}  // namespace

bool in_touch(virDomainPtr container) {
    using Clock = std::chrono::steady_clock;
    using namespace std::chrono_literals;
    for (const auto until = Clock::now() + 1s; Clock::now() < until; std::this_thread::sleep_for(2ms)) {
        // Signal 0: it is looked for, and gets none.
        if (virDomainSendProcessSignal(container, 1, VIR_DOMAIN_PROCESS_SIGNAL_NOP, 0) == 0) return true;
        if (virDomainIsActive(container) != 1) return true;
    }
    return false;
}

bool ended_unnoticed(virDomainPtr container) {
    const auto process = static_cast<int>(virDomainGetID(container));
    return process > 0 && !controller_lives(process, virDomainGetName(container));
}

// Of the controller's group, which it shares with all inside.
bool is_frozen(virDomainPtr container) {
    const std::string_view mark = ":freezer:";
    std::ifstream groups(fmt::format("/proc/{}/cgroup", static_cast<int>(virDomainGetID(container))));
    for (std::string line; std::getline(groups, line);) {
        const auto at = line.find(mark);
        if (at == std::string::npos) continue;
        std::ifstream file("/sys/fs/cgroup/freezer" + line.substr(at + mark.size()) + "/freezer.state");
        std::string state;
        return std::getline(file, state) && state == "FROZEN";
    }
    return false;
}

void terminate_children(pid_t controller) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
        const auto name = entry.path().filename().string();
        pid_t process = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (error != std::errc() || end != name.data() + name.size()) continue;
        // Held before its parent is read, so that the number cannot become another process's in between.
        const UniqueFd held(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
        if (held && parent_of(process) == controller) ::syscall(SYS_pidfd_send_signal, held.get(), SIGTERM, nullptr, 0);
    }
}

}  // namespace drover
