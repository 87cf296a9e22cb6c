#include "doctor/look.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/magic.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "doctor/programs.hpp"
#include "hooks/files.hpp"
#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "network/host_port.hpp"
#include "network/listing.hpp"
#include "network/nftables.hpp"
#include "network/ruleset.hpp"
#include "process/process.hpp"

namespace drover::doctor {
namespace {

namespace fs = std::filesystem;

constexpr auto look_as_root = "look as root: drover doctor, or droverd --doctor";

/// What `find` returns; what it throws becomes the reason why nobody could look.
template <typename Find> auto seen(Find find) -> Seen<decltype(find())> {
    using Result = Seen<decltype(find())>;
    try {
        return Result(find());
    } catch (const Error& error) {
        return Result::hidden(error.what(), error.hint().empty() ? look_as_root : error.hint());
    } catch (const std::exception& error) {
        return Result::hidden(error.what(), look_as_root);
    }
}

Error unseen(const std::string& what, int error, const std::string& hint = look_as_root) {
    return {ErrorKind::unavailable, fmt::format("{}: {}", what, std::strerror(error)), hint};
}

// ---- files ---------------------------------------------------------------------------------------------------------

std::string text_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

long long parse_number(std::string_view text, const std::string& path, const std::string& hint) {
    long long number = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc{})
        throw Error(ErrorKind::unavailable, "no number in " + path, hint);
    return number;
}

long long number_in(const std::string& path, const std::string& hint = look_as_root) {
    return parse_number(text_of(path), path, hint);
}

/// The folder, or the nearest above it that is there.
std::string nearest(const std::string& folder) {
    fs::path path = folder;
    std::error_code error;
    while (!fs::exists(path, error) && path != path.root_path()) path = path.parent_path();
    return path;
}

/// File systems on which a state folder is trouble.
std::string trouble(long type) {
    switch (static_cast<unsigned long>(type) & 0xffffffffUL) {
        case TMPFS_MAGIC:
        case RAMFS_MAGIC: return "tmpfs";
        case NFS_SUPER_MAGIC: return "nfs";
        case SMB_SUPER_MAGIC:
        case CIFS_SUPER_MAGIC:
        case SMB2_SUPER_MAGIC: return "smb";
        case V9FS_MAGIC: return "9p";
        case FUSE_SUPER_MAGIC: return "fuse";
        case MSDOS_SUPER_MAGIC: return "vfat";
        case OVERLAYFS_SUPER_MAGIC: return "overlay";
        default: return "";
    }
}

Space space_of(const std::string& folder) {
    struct statfs facts {};
    if (::statfs(nearest(folder).c_str(), &facts) != 0) throw unseen(folder, errno);
    Space space{trouble(facts.f_type), static_cast<long long>(facts.f_bavail) * facts.f_bsize, std::nullopt};
    if (facts.f_files > 0) space.files = static_cast<long long>(facts.f_ffree);
    return space;
}

Memory memory_of(const std::string& path) {
    std::istringstream lines(text_of(path));
    Memory memory;
    std::string key, rest;
    long long kib = 0;
    while (lines >> key >> kib && std::getline(lines, rest)) {
        if (key == "MemTotal:") memory.total = kib << 10;
        if (key == "MemAvailable:") memory.available = kib << 10;
        if (key == "SwapTotal:") memory.swap = kib << 10;
    }
    if (memory.total == 0) throw Error(ErrorKind::unavailable, "no MemTotal in " + path, "mount /proc");
    return memory;
}

// Guests live below machine.slice with systemd, below /machine without; all of us below the root that we see.
ProcessLimit process_limit(const std::string& system) {
    const auto kernel = system + "/proc/sys/kernel/";
    ProcessLimit least{number_in(kernel + "pid_max"), "kernel.pid_max"};
    const auto narrow = [&](long long most, const std::string& where) {
        if (most < least.most) least = {most, where};
    };
    narrow(number_in(kernel + "threads-max"), "kernel.threads-max");
    for (const auto* root : {"/sys/fs/cgroup", "/sys/fs/cgroup/pids"}) {
        for (const auto* folder : {"", "/machine.slice", "/machine"}) {
            const auto file = fmt::format("{}{}/pids.max", root, folder);
            const auto text = text_of(system + file);
            if (!text.empty() && !text.starts_with("max")) narrow(parse_number(text, file, look_as_root), file);
        }
    }
    return least;
}

bool has_hybrid_cgroups(const std::string& mounts_file) {
    std::istringstream mounts(text_of(mounts_file));
    std::string line;
    while (std::getline(mounts, line))
        if (line.find(" /sys/fs/cgroup/unified cgroup2 ") != std::string::npos) return true;
    return false;
}

AppArmor apparmor_of(const std::string& system) {
    const auto rules = system + "/etc/apparmor.d/local/";
    return {text_of(system + "/sys/module/apparmor/parameters/enabled").starts_with("Y"),
            text_of(rules + "abstractions/libvirt-qemu")};
}

// ---- accounts ------------------------------------------------------------------------------------------------------

/// Calls one of the getXXnam_r functions with room enough; whether there is such an entry.
template <typename Entry, typename Get> bool get_entry(Get get, const char* name, Entry& entry, std::string& room) {
    room.resize(1 << 20);
    Entry* found = nullptr;
    return get(name, &entry, room.data(), room.size(), &found) == 0 && found != nullptr;
}

bool group_exists(const char* name) {
    group entry{};
    std::string room;
    return get_entry(::getgrnam_r, name, entry, room);
}

std::optional<std::pair<uid_t, std::vector<gid_t>>> qemu_account() {
    constexpr auto name = "libvirt-qemu";
    passwd entry{};
    std::string room;
    if (!get_entry(::getpwnam_r, name, entry, room)) return std::nullopt;
    std::vector<gid_t> groups(1024);
    int count = static_cast<int>(groups.size());
    ::getgrouplist(name, entry.pw_gid, groups.data(), &count);
    groups.resize(static_cast<std::size_t>(std::clamp(count, 0, 1024)));
    return std::pair(entry.pw_uid, groups);
}

KvmNode kvm_of(const std::string& path) {
    struct stat node {};
    if (::stat(path.c_str(), &node) != 0) return {};
    const auto account = qemu_account();
    if (!account) return {true, false};
    const auto& [uid, groups] = *account;
    const bool in_group = std::find(groups.begin(), groups.end(), node.st_gid) != groups.end();
    const mode_t read_and_write = node.st_uid == uid ? S_IRUSR | S_IWUSR
                                  : in_group         ? S_IRGRP | S_IWGRP
                                                     : S_IROTH | S_IWOTH;
    return {true, (node.st_mode & read_and_write) == read_and_write};
}

// ---- the network ---------------------------------------------------------------------------------------------------

/// Why the kernel would not take our rules; empty: it would.
std::string rules_trouble(const Config& config) {
    Network network = network_of({{0x0a000000}, 24});
    network.bridge = config.instance + "-br";
    network.subnet6 = own_subnet6("", "");
    try {
        Nftables nft;
        nft.check(tables_text({.instance = config.instance,
                               .networks = NetworkPlan({network}),
                               .openings = config.openings,
                               .host_services = config.network.host_services}));
        return "";
    } catch (const Error& error) {
        return error.what();
    }
}

Forwarding forwarding_of(const Config& config, const std::string& system) {
    Forwarding result{.forwards = number_in(system + "/proc/sys/net/ipv4/ip_forward") != 0};
    result.strict_chains = strict_forward_chains(Nftables().list("chains"));
    const auto& range = config.openings.host_ports;
    for (int port = range.first; port <= range.last; ++port)
        if (!is_free_on_host({port, Protocol::tcp}) || !is_free_on_host({port, Protocol::udp}))
            result.busy_ports.push_back(port);
    return result;
}

// ---- programs that run ---------------------------------------------------------------------------------------------

/// The process that listens at the socket. Never waits for it.
long long listener_at(const std::string& path, const std::string& start) {
    sockaddr_un address{AF_UNIX, {}};
    if (path.size() >= sizeof address.sun_path) throw unseen(path, ENAMETOOLONG, "configure a shorter path");
    path.copy(address.sun_path, path.size());
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw unseen("no daemon answers at " + path, errno, start);
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) throw unseen(path, errno);
    return peer.pid;
}

/// The limit on open files of a process; 0: of this one.
long long open_files_of(long long process) {
    rlimit limit{};
    if (::prlimit(static_cast<pid_t>(process), RLIMIT_NOFILE, nullptr, &limit) != 0)
        throw unseen(fmt::format("limits of process {}", process), errno);
    return limit.rlim_cur == RLIM_INFINITY ? LLONG_MAX : static_cast<long long>(limit.rlim_cur);
}

Hypervisor ask_libvirt(const std::string& virsh, const std::string& uri, bool systemd) {
    const std::string start =
        systemd ? "systemctl restart libvirtd; journalctl -u libvirtd" : "virtlogd -d; libvirtd -d";
    try {
        return parse_version(
            run_or_throw({.argv = {virsh, "-c", uri, "version", "--daemon"}, .deadline = std::chrono::seconds(10)}));
    } catch (const Error& error) {
        const auto& hint = error.hint().empty() ? start : error.hint();
        throw Error(ErrorKind::unavailable, fmt::format("libvirtd does not answer at {}: {}", uri, error.what()), hint);
    }
}

std::optional<Release> release_after(const std::string& text, const std::string& pattern, std::string* word = nullptr) {
    std::smatch match;
    if (!std::regex_search(text, match, std::regex(pattern + R"((\d{1,6})\.(\d{1,6})\.(\d{1,6}))")))
        return std::nullopt;
    const auto first = match.size() - 3;
    if (word != nullptr) *word = match[1];
    return Release{std::stoi(match[first]), std::stoi(match[first + 1]), std::stoi(match[first + 2])};
}

}  // namespace

Hypervisor parse_version(const std::string& text) {
    Hypervisor result;
    const auto libvirt = release_after(text, "Running against daemon: ");
    if (!libvirt) throw Error(ErrorKind::unavailable, "virsh tells no version of libvirtd");
    result.libvirt = *libvirt;
    result.below = release_after(text, R"(Running hypervisor: (\w+) )", &result.driver);
    return result;
}

Picture look(const Config& config, const Doctor::Tools& tools) {
    const auto& system = tools.system;
    Picture picture;
    picture.config = config;
    picture.systemd = fs::exists(system + "/run/systemd/system");
    const auto& instance = config.instance;
    const auto start = picture.systemd ? fmt::format("systemctl start droverd@{}", instance)
                                       : fmt::format("droverd --config /etc/drover/{}.yaml", instance);
    picture.daemon = seen([&] { return listener_at(config.socket, start); });
    picture.hypervisor = seen([&] { return ask_libvirt(tools.virsh, config.hosts.front().vm_uri, picture.systemd); });
    picture.qemu_user = qemu_account().has_value();
    picture.kvm = kvm_of(system + "/dev/kvm");
    picture.missing_programs = missing_programs();
    picture.hooks = seen([&] { return distrusted_hooks(config.hooks.folder); });
    picture.admin_group = group_exists("drover-admin");
    picture.apparmor = apparmor_of(system);
    picture.libvirt_guests =
        picture.systemd &&
        fs::is_symlink(system + "/etc/systemd/system/multi-user.target.wants/libvirt-guests.service");
    picture.libvirt_hook = ::access((system + "/etc/libvirt/hooks/daemon.d/drover").c_str(), X_OK) == 0;
    picture.hybrid_cgroups = has_hybrid_cgroups(system + "/proc/self/mounts");

    picture.rules = seen([&] { return rules_trouble(config); });
    picture.forwarding = seen([&] { return forwarding_of(config, system); });

    picture.state = seen([&] { return space_of(config.state); });
    picture.run = seen([&] { return space_of(system + "/run"); });
    picture.log = seen([&] { return space_of(system + "/var/log"); });
    picture.memory = seen([&] { return memory_of(system + "/proc/meminfo"); });
    picture.open_files = seen([&] { return open_files_of(picture.daemon.value.value_or(0)); });
    picture.processes = seen([&] { return process_limit(system); });
    picture.neighbours = seen([&] {
        return number_in(system + "/proc/sys/net/ipv4/neigh/default/gc_thresh3",
                         "it is told in the host's own network alone: nsenter --target 1 --net droverd --doctor");
    });
    picture.herd = seen([&] {
        const auto& given = config.testing.boot_id;
        std::istringstream boot_id(given.empty() ? text_of(system + "/proc/sys/kernel/random/boot_id") : given);
        std::string id;
        boot_id >> id;
        return read_herd(config.state + "/registry.db", id);
    });
    picture.now = now();  // after the registry: no event can be newer
    return picture;
}

}  // namespace drover::doctor
