#include "hypervisor/process_limit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "hypervisor/ownership.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

const fs::path hierarchies = "/sys/fs/cgroup";

[[noreturn]] void fail(const fs::path& file) {
    throw Error(ErrorKind::failed, fmt::format("cgroups of a container: {}: {}", file.string(), std::strerror(errno)),
                "is there a controller 'pids'? cat /proc/cgroups");
}

fs::path own_groups() { return hierarchies / "pids" / "machine"; }
fs::path systemd_groups() { return hierarchies / "systemd" / "machine"; }

void put(const fs::path& file, const std::string& text) {
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || ::write(fd.get(), text.data(), text.size()) < 0) fail(file);
}

/// A process that ended before it was moved needs no limit.
void move(const std::string& process, const fs::path& group) {
    const auto file = group / "cgroup.procs";
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd || (::write(fd.get(), process.data(), process.size()) < 0 && errno != ESRCH)) fail(file);
}

std::set<std::string> processes_in(const fs::path& group) {
    std::ifstream file(group / "cgroup.procs");
    std::set<std::string> processes;
    for (std::string process; file >> process;) processes.insert(process);
    return processes;
}

/// The group that the process is in, of the hierarchy of `controller`; of the one tree: "". Lines are "4:memory:/path".
fs::path group_of(pid_t process, const std::string& controller) {
    const auto path = fmt::format("/proc/{}/cgroup", process);
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto names = line.find(':') + 1, group = line.find(':', names);
        if (group == std::string::npos || line.substr(names, group - names) != controller) continue;
        return hierarchies / controller / fs::path(line.substr(group + 1)).relative_path();
    }
    errno = ENOENT;
    fail(path);
}

void make_group(const fs::path& group) {
    std::error_code error;
    if (!fs::create_directories(group, error) && error) fail(group);
}

std::set<std::string> processes_inside(pid_t controller) {
    auto processes = processes_in(group_of(controller, "memory"));
    processes.erase(std::to_string(controller));
    return processes;
}

void limit_in_hierarchy(pid_t controller, const std::string& name, int most) {
    const auto group = own_groups() / name;
    make_group(group);
    put(group / "pids.max", std::to_string(most));
    auto outside = processes_inside(controller);
    for (const auto& inside : processes_in(group)) outside.erase(inside);
    for (const auto& process : outside) move(process, group);
}

/// The user of the host that is root in the user namespace of the process.
uid_t root_of(const std::string& process) {
    std::ifstream map("/proc/" + process + "/uid_map");
    uid_t inside = 0;
    uid_t outside = 0;
    map >> inside >> outside;
    return outside;
}

void give(const fs::path& group, uid_t owner) {
    std::error_code none;
    if (::lchown(group.c_str(), owner, owner) != 0) fail(group);
    for (const auto& entry : fs::directory_iterator(group, none))
        if (::lchown(entry.path().c_str(), owner, owner) != 0 && errno != ENOENT) fail(entry.path());
}

/// Once: what a systemd has made in its group since then is its own. The container's first process stays at its top.
void give_systemd_group(pid_t controller, const std::string& name) {
    if (!fs::exists(hierarchies / "systemd" / "cgroup.procs")) return;
    const auto group = systemd_groups() / name;
    const auto processes = processes_inside(controller);
    make_group(group);
    if (processes.empty() || !processes_in(group).empty()) return;
    give(hierarchies / "systemd", 0);
    give(group, root_of(*processes.begin()));
    for (const auto& process : processes) move(process, group);
}

/// Refused by the kernel while there are processes in it.
bool remove_group(const fs::path& group) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(group, none))
        if (entry.is_directory(none)) remove_group(entry.path());
    return ::rmdir(group.c_str()) == 0 || errno != EBUSY;
}

void remove_groups(const fs::path& groups, const std::string& instance) {
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(groups, none)) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(instance + "-") && parse_number(name.substr(instance.size() + 1)))
            remove_group(entry.path());
    }
}

}  // namespace

bool has_one_cgroup_tree() { return fs::exists(hierarchies / "cgroup.controllers"); }

void limit_processes(pid_t controller, const std::string& name, int most) {
    if (has_one_cgroup_tree()) return put(group_of(controller, "") / "pids.max", std::to_string(most));
    limit_in_hierarchy(controller, name, most);
    give_systemd_group(controller, name);
}

void remove_process_limit(const std::string& name) {
    constexpr int looks = 100;
    for (const auto& group : {own_groups() / name, systemd_groups() / name})
        for (int look = 0; look < looks && !remove_group(group); ++look)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

void remove_process_limits(const std::string& instance) {
    remove_groups(own_groups(), instance);
    remove_groups(systemd_groups(), instance);
}

}  // namespace drover
