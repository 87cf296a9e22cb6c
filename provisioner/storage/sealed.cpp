#include "storage/sealed.hpp"

#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "model/error.hpp"
#include "storage/manifest.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

struct OwnToEachGuest {
    const char* pattern;  ///< of the path; * stops at /
    bool may_be_empty;    ///< a place holder is no secret
};

constexpr std::array own_to_each_guest{
    OwnToEachGuest{"/etc/ssh/ssh_host_*", false},
    OwnToEachGuest{"/etc/dropbear/dropbear_*_host_key*", false},
    OwnToEachGuest{"/etc/machine-id", true},
    OwnToEachGuest{"/var/lib/dbus/machine-id", true},
    OwnToEachGuest{"/var/lib/systemd/random-seed", false},
    OwnToEachGuest{"/root/.ssh/authorized_keys", false},
    OwnToEachGuest{"/home/*/.ssh/authorized_keys", false},
    OwnToEachGuest{"/root/.ssh/id_*", false},
    OwnToEachGuest{"/home/*/.ssh/id_*", false},
    OwnToEachGuest{"/etc/ssl/private/*", false},
    OwnToEachGuest{"/var/lib/systemd/credential.secret", false},
    OwnToEachGuest{"/etc/resolv.conf", true},  // the builder's
};

/// One line of `unsquashfs -lln`: "-rw-r--r-- 0/0    2 2026-11-21 02:58 /etc/machine-id".
struct Entry {
    char type = 0;  ///< as ls writes it: - d l
    long long bytes = 0;
    std::string path;
};

[[noreturn]] void refuse(const std::string& message, const std::string& hint) {
    throw Error(ErrorKind::refused, message, hint);
}

void check_file(const fs::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0)
        refuse(fmt::format("the recipe made no {}", file.filename().string()),
               fmt::format("its assemble must leave {} in the folder OUT, plain and not empty",
                           fmt::join(version_files, ", ")));
}

void check_magic(const fs::path& root) {
    std::array<char, 4> magic{};
    std::ifstream(root, std::ios::binary).read(magic.data(), magic.size());
    if (std::string_view(magic.data(), magic.size()) != "hsqs")
        refuse("root.squashfs is no squashfs", "make it with mksquashfs");
}

std::vector<Entry> list_root(const fs::path& root, const BuildWork& work) {
    std::istringstream lines(run_or_throw(work.command({"unsquashfs", "-d", "", "-lln", root})));
    std::vector<Entry> entries;
    for (std::string line; std::getline(lines, line);) {
        Entry entry;
        std::string mode;
        std::string skipped;
        std::istringstream fields(line);
        fields >> mode >> skipped >> entry.bytes >> skipped >> skipped;
        if (!std::getline(fields >> std::ws, entry.path) || mode.empty()) continue;
        entry.type = mode.front();
        if (entry.type == 'l') entry.path = entry.path.substr(0, entry.path.find(" -> "));
        entries.push_back(entry);
    }
    return entries;
}

void check_entry(const Entry& entry) {
    if (entry.type == 'd') return;
    for (const auto& own : own_to_each_guest)
        if (fnmatch(own.pattern, entry.path.c_str(), FNM_PATHNAME) == 0 &&
            !(own.may_be_empty && (entry.bytes == 0 || entry.type == 'l')))
            refuse(fmt::format("the root holds {}, which must be each guest's own", entry.path),
                   "remove it in the recipe's assemble");
}

}  // namespace

void check_sealed(const fs::path& folder, const BuildWork& work) {
    for (const auto name : version_files) check_file(folder / name);
    const auto root = folder / "root.squashfs";
    check_magic(root);
    const auto entries = list_root(root, work);
    std::for_each(entries.begin(), entries.end(), check_entry);
    const auto is = [](const std::string& path) { return [&path](const Entry& entry) { return entry.path == path; }; };
    const std::string oldroot = "/.oldroot";
    const auto found = std::find_if(entries.begin(), entries.end(), is(oldroot));
    if (found == entries.end() || found->type != 'd')
        refuse("the root has no folder /.oldroot", "make it in the recipe's assemble: containers need it");
}

}  // namespace drover
