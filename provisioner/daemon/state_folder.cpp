#include "daemon/state_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "model/error.hpp"

namespace drover {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

StateFolder::StateFolder(const std::string& path) {
    fs::create_directories(path);
    chmod(path.c_str(), 0711);
    const std::string file = path + "/lock";
    lock_ = UniqueFd(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!lock_) throw Error(ErrorKind::failed, fmt::format("cannot open {}: {}", file, std::strerror(errno)));
    // A daemon that was killed may leave a child between its fork and its exec, which still holds the lock.
    for (const auto until = std::chrono::steady_clock::now() + 2s; flock(lock_.get(), LOCK_EX | LOCK_NB) != 0;
         std::this_thread::sleep_for(20ms)) {
        if (std::chrono::steady_clock::now() < until) continue;
        throw Error(ErrorKind::refused, fmt::format("another droverd works in {}", path), "stop it first");
    }
}

Installed find_installed() {
    const fs::path program = fs::read_symlink("/proc/self/exe");
    const fs::path prefix = program.parent_path().parent_path();  // .../sbin/droverd, or build/<preset>/bin/droverd
    const fs::path source = DROVER_SOURCE_FOLDER;
    if (prefix.parent_path() == source / "build") {
        return {source / "images", source / "overlays", source / "schema", prefix / "bin/drover-guest"};
    }
    const fs::path share = prefix / "share/drover";
    return {share / "images", share / "overlays", share / "schema", prefix / "libexec/drover/drover-guest"};
}

std::string qemu_user() {
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    if (getpwnam_r("libvirt-qemu", &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
        throw Error(ErrorKind::failed, "no account 'libvirt-qemu'", "install the package libvirt-daemon-system");
    }
    return fmt::format("+{}:+{}", found->pw_uid, found->pw_gid);
}

std::string kernel_boot_id() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id;
}

}  // namespace drover
