#include <fmt/format.h>

#include <algorithm>

#include "doctor/checks.hpp"

namespace drover::doctor {
namespace {

constexpr long long mib = 1LL << 20;
constexpr long long gib = 1LL << 30;

std::string size_text(long long bytes) {
    return bytes < 10 * gib ? fmt::format("{} MiB", bytes / mib) : fmt::format("{} GiB", bytes / gib);
}

/// A place with the room it should have.
struct Place {
    std::string check, folder;
    long long least_bytes, good_bytes;  ///< below the first things fail, below the second they will
    long long least_files, good_files;
    std::string harm, mend;
};

Level level_of(long long has, long long least, long long good) {
    return has < least ? Level::error : has < good ? Level::warn : Level::ok;
}

Diagnosis space(const Place& place, const Seen<Space>& seen) {
    return judged(place.check, seen, [&](const Space& room) -> Diagnosis {
        const long long files = room.files.value_or(place.good_files);
        const auto level = std::max(level_of(room.bytes, place.least_bytes, place.good_bytes),
                                    level_of(files, place.least_files, place.good_files));
        auto message = fmt::format("{}: {} left", place.folder, size_text(room.bytes));
        if (room.files) message += fmt::format(", {} inodes", *room.files);
        if (level == Level::ok) return fine(place.check, message);
        return {place.check, level, fmt::format("{}: {}", message, place.harm), place.mend};
    });
}

/// Holds a limit against what the guests need of it: it bites soon where four fifths are needed.
Diagnosis limit(const std::string& check, const std::string& what, long long has, long long need,
                const std::string& mend) {
    const auto message = fmt::format("{}: {} needed of {}", what, need, has);
    if (need <= has / 5 * 4) return fine(check, message);
    return {check, need > has ? Level::error : Level::warn, message, mend};
}

}  // namespace

Diagnosis state_file_system(const Picture& picture) {
    const std::string check = "state-file-system";
    const auto& state = picture.config.state;
    return judged(check, picture.state, [&](const Space& room) -> Diagnosis {
        const auto& type = room.file_system;
        if (type.empty()) return fine(check, fmt::format("{} is on a disk of this host", state));
        const auto mend = fmt::format("stop droverd and move {} to ext4, xfs or btrfs on a disk of this host", state);
        if (type == "overlay") return {check, Level::warn, state + " is on an overlay file system", mend};
        const auto* harm = type == "tmpfs" ? "all guests are lost with the next boot"
                                           : "its locks and its durability do not hold a registry";
        return {check, Level::error, fmt::format("{} is on {}: {}", state, type, harm), mend};
    });
}

Diagnosis state_space(const Picture& picture) {
    const auto& state = picture.config.state;
    return space({"space-state", state, 256 * mib, 2 * gib, 1000, 10'000 + 10 * guests_of(picture),
                  "guests stand still when it is full",
                  fmt::format("make the file system of {} larger, or retire guests", state)},
                 picture.state);
}

// libvirtd restarted with a full /run forgets its guests and kills them (libvirt issue 549).
Diagnosis run_space(const Picture& picture) {
    const long long good = 32 * mib + guests_of(picture) * 64 * 1024;
    return space({"space-run", "/run", 8 * mib, good, 500, 1000 + 10 * guests_of(picture),
                  "a libvirtd that is started with it full kills all guests",
                  fmt::format("mount -o remount,size={}M /run", 4 * good / mib)},
                 picture.run);
}

Diagnosis log_space(const Picture& picture) {
    return space({"space-log", "/var/log", 16 * mib, 256 * mib, 500, 5000, "nobody will know what happened",
                  picture.systemd ? "journalctl --vacuum-size=200M" : "remove old files below /var/log"},
                 picture.log);
}

Diagnosis memory(const Picture& picture) {
    return judged("memory", picture.memory, [&](const Memory& seen) -> Diagnosis {
        constexpr long long overhead = 64 * mib;  // of QEMU itself
        const long long each = picture.config.guest.memory + overhead;
        const long long ready = picture.herd.value ? picture.herd.value->ready : 0;
        const auto message = fmt::format("{} of {} left; {} guests may take {}", size_text(seen.available),
                                         size_text(seen.total), ready, size_text(ready * each));
        const std::string mend = "stop guests, or add memory or swap";
        if (seen.available < each) return {"memory", Level::error, message + ": not one more guest fits", mend};
        if (ready * each > seen.total + seen.swap) return {"memory", Level::warn, message + ": not all at once", mend};
        return fine("memory", message);
    });
}

// One for the control channel of each guest; the rest for libvirt, the registry and clients.
Diagnosis open_files(const Picture& picture) {
    return judged("open-files", picture.open_files, [&](long long most) {
        const long long need = 256 + guests_of(picture);
        return limit("open-files", "open files of droverd", most, need,
                     picture.systemd ? "LimitNOFILE=65536 in droverd@.service; systemctl daemon-reload; start it again"
                                     : "ulimit -n 65536, then start droverd again");
    });
}

// A QEMU has some threads of its own and starts more for disk accesses.
Diagnosis processes(const Picture& picture) {
    return judged("processes", picture.processes, [&](const ProcessLimit& seen) {
        const long long need = 2048 + 16 * guests_of(picture);
        const auto mend = seen.where.starts_with('/') ? fmt::format("echo max >{}", seen.where)
                                                      : fmt::format("sysctl -w {}={}", seen.where, 4 * need);
        return limit("processes", seen.where, seen.most, need, mend);
    });
}

Diagnosis bridge_ports(const Picture& picture) {
    constexpr long long kernel_limit = 1023;  // BR_MAX_PORTS, less the number that none has
    return limit("bridge-ports", "ports of the bridge", kernel_limit, guests_of(picture),
                 "put further guests into a second instance, which has a bridge of its own");
}

Diagnosis neighbours(const Picture& picture) {
    return judged("neighbours", picture.neighbours, [&](long long most) {
        const long long need = 128 + guests_of(picture);
        return limit("neighbours", "net.ipv4.neigh.default.gc_thresh3", most, need,
                     fmt::format("sysctl -w net.ipv4.neigh.default.gc_thresh3={}", 4 * need));
    });
}

}  // namespace drover::doctor
