#include "storage/durable.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include "model/unique_fd.hpp"

namespace drover {
namespace fs = std::filesystem;

namespace {

constexpr unsigned long long least_room = 1ULL << 20;

}  // namespace

DiskFull::DiskFull(const std::string& what)
    : Error(ErrorKind::unavailable, "disk full: " + what,
            "make room on that file system: what waits goes on by itself") {}

DiskFull::DiskFull(const Error& error) : Error(ErrorKind::unavailable, error.what(), error.hint()) {}

void expect_room(const fs::path& path) {
    struct statvfs disk {};
    if (::statvfs(path.c_str(), &disk) != 0 || disk.f_bavail * disk.f_frsize >= least_room) return;
    throw DiskFull(fmt::format("{} has {} KiB left", path.string(), disk.f_bavail * disk.f_frsize / 1024));
}

void run_writer(const Command& command, const fs::path& path) try { run_or_throw(command); } catch (const Error&) {
    expect_room(path);
    throw;
}

void throw_errno(std::string_view doing, const fs::path& path) {
    const int error = errno;
    const auto what = fmt::format("{} '{}': {}", doing, path.string(), std::strerror(error));
    if (error == ENOSPC || error == EDQUOT) throw DiskFull(what);
    throw Error(ErrorKind::failed, what);
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream bytes;
    if (!file.is_open()) throw_errno("read", path);
    if (file.peek() != std::ifstream::traits_type::eof()) bytes << file.rdbuf();
    if (file.bad()) throw_errno("read", path);
    return std::move(bytes).str();
}

void write_new_file(const fs::path& path, std::string_view bytes, mode_t mode) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) throw_errno("create", path);
    while (!bytes.empty()) {
        const auto n = ::write(file.get(), bytes.data(), bytes.size());
        if (n < 0 && errno != EINTR) throw_errno("write", path);
        if (n > 0) bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::fchmod(file.get(), mode) != 0 || ::fsync(file.get()) != 0) throw_errno("write", path);
}

void sync_path(const fs::path& path) {
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file || ::fsync(file.get()) != 0) throw_errno("sync", path);
}

void make_folder(const fs::path& path, mode_t mode) {
    const bool made = ::mkdir(path.c_str(), mode) == 0;
    if (!made && errno != EEXIST) throw_errno("create folder", path);
    if (::chmod(path.c_str(), mode) != 0) throw_errno("set the mode of", path);
    if (made) sync_path(path.parent_path());
}

void make_folders(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) throw Error(ErrorKind::failed, fmt::format("create folder '{}': {}", path.string(), error.message()));
}

std::vector<fs::path> entries_of(const fs::path& folder) {
    std::vector<fs::path> paths;
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) paths.push_back(*at);
    if (error) throw Error(ErrorKind::failed, fmt::format("read '{}': {}", folder.string(), error.message()));
    std::sort(paths.begin(), paths.end());
    return paths;
}

bool rename_new(const fs::path& from, const fs::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
        if (errno == EEXIST) return false;
        throw_errno("rename to", to);
    }
    sync_path(to.parent_path());
    sync_path(from.parent_path());
    return true;
}

void exchange(const fs::path& one, const fs::path& other) {
    if (::renameat2(AT_FDCWD, one.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
        throw_errno("exchange", other);
    sync_path(other.parent_path());
    sync_path(one.parent_path());
}

void remove_tree(const fs::path& path) {
    std::error_code error;
    const auto removed = fs::remove_all(path, error);
    if (error) throw Error(ErrorKind::failed, fmt::format("remove '{}': {}", path.string(), error.message()));
    if (removed > 0) sync_path(path.parent_path());
}

Scratch::Scratch(const fs::path& folder) {
    auto name = (folder / "XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw_errno("create a folder in", folder);
    path_ = name;
}

Scratch::~Scratch() {
    std::error_code error;  // what cannot be removed now is removed by the sweep at the next start
    fs::remove_all(path_, error);
}

}  // namespace drover
