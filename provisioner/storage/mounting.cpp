#include "storage/mounting.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <thread>

#include "storage/durable.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(20);
constexpr auto pause_between = std::chrono::milliseconds(10);
constexpr unsigned ids = 65536;

UniqueFd open_file(const fs::path& path, bool read_only) {
    UniqueFd file(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_NOFOLLOW | O_CLOEXEC));
    if (!file) throw_errno("open", path);
    return file;
}

/// Somebody else may take the free one first: then the next one.
LoopDevice attach_open(const UniqueFd& file, const fs::path& name, bool read_only) {
    const auto control = open_file("/dev/loop-control", false);
    loop_config config{};
    config.fd = static_cast<unsigned>(file.get());
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (read_only) config.info.lo_flags |= LO_FLAGS_READ_ONLY;
    for (;;) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) throw_errno("find a loop device for", name);
        auto path = fmt::format("/dev/loop{}", number);
        auto device = open_file(path, read_only);
        if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return {std::move(path), std::move(device)};
        if (errno != EBUSY) throw_errno("attach to a loop device", name);
    }
}

/// A file system being set up.
class Setup {
  public:
    Setup(const char* type, const std::string& device) : device_(device), context_(::fsopen(type, FSOPEN_CLOEXEC)) {
        if (!context_) throw_errno("mount", device_);
        set("source", device.c_str());
    }
    void set(const char* key, const char* value = nullptr) {
        const auto kind = value == nullptr ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
        if (::fsconfig(context_.get(), kind, key, value, 0) != 0) throw_errno(fmt::format("set {} of", key), device_);
    }
    UniqueFd mount(unsigned attributes) {
        if (::fsconfig(context_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) throw_errno("mount", device_);
        UniqueFd mounted(::fsmount(context_.get(), FSMOUNT_CLOEXEC, attributes));
        if (!mounted) throw_errno("mount", device_);
        return mounted;
    }

  private:
    std::string device_;
    UniqueFd context_;
};

int wait_to_be_killed(void* /*nothing*/) {
    for (;;) ::pause();
}

/// A child that does nothing but have a user namespace, for as long as it takes to open that. It shares our memory,
/// whose copy would cost more than all the rest, and touches nothing of it but its own stack.
class Namesake {
  public:
    Namesake() : child_(::clone(wait_to_be_killed, stack_.end(), CLONE_NEWUSER | CLONE_VM | SIGCHLD, nullptr)) {
        if (child_ < 0) throw_errno("make", "a user namespace");
    }
    Namesake(const Namesake&) = delete;
    Namesake& operator=(const Namesake&) = delete;
    ~Namesake() {
        ::kill(child_, SIGKILL);
        while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) continue;
    }
    [[nodiscard]] fs::path file(const char* name) const { return fmt::format("/proc/{}/{}", child_, name); }

  private:
    alignas(16) std::array<char, 16384> stack_{};
    pid_t child_;
};

UniqueFd user_namespace(unsigned first) {
    const Namesake namesake;
    const auto map = fmt::format("0 {} {}\n", first, ids);
    for (const auto* name : {"uid_map", "gid_map"}) {
        const UniqueFd file(::open(namesake.file(name).c_str(), O_WRONLY | O_CLOEXEC));
        if (!file || ::write(file.get(), map.data(), map.size()) < 0) throw_errno("write", namesake.file(name));
    }
    UniqueFd users(::open(namesake.file("ns/user").c_str(), O_RDONLY | O_CLOEXEC));  // a link, as all of /proc's are
    if (!users) throw_errno("open", namesake.file("ns/user"));
    return users;
}

}  // namespace

LoopDevice attach_loop(const fs::path& file, bool read_only) {
    return attach_open(open_file(file, read_only), file, read_only);
}

// The loop device has the file open by the same description, which is what holds the lock.
LoopDevice attach_loop_alone(const fs::path& file) {
    const auto image = open_file(file, false);
    for (const auto until = Clock::now() + patience; ::flock(image.get(), LOCK_EX | LOCK_NB) != 0;) {
        if (errno != EWOULDBLOCK || Clock::now() >= until) throw_errno("have alone", file);
        std::this_thread::sleep_for(pause_between);
    }
    return attach_open(image, file, false);
}

UniqueFd mount_squashfs(const std::string& device) {
    Setup setup("squashfs", device);
    setup.set("ro");
    return setup.mount(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV);
}

UniqueFd mount_ext4(const std::string& device) {
    Setup setup("ext4", device);
    setup.set("noinit_itable");  // no thread that writes while the guest is idle
    setup.set("discard");        // deleted files free space on the host
    setup.set("errors", "remount-ro");
    return setup.mount(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
}

void idmap(const UniqueFd& mount, unsigned first) {
    const auto users = user_namespace(first);
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(users.get());
    if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0)
        throw_errno("idmap", "a mount");
}

void attach(const UniqueFd& mount, const fs::path& folder) {
    if (::move_mount(mount.get(), "", AT_FDCWD, folder.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
        throw_errno("mount at", folder);
}

void detach(const fs::path& folder) {
    while (::umount2(folder.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0) continue;
    if (errno != EINVAL && errno != ENOENT) throw_errno("unmount", folder);
}

void make_private(const fs::path& folder) {
    if (::mount(folder.c_str(), folder.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount("none", folder.c_str(), nullptr, MS_PRIVATE, nullptr) != 0)
        throw_errno("mount", folder);
}

}  // namespace drover
