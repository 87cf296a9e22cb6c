#include "guest/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

const std::string block_begin = "# drover: from here to the end mark this is written anew at every change\n";
const std::string block_end = "# drover: end mark\n";

/// What the file has by now, if it has this mode and is no longer than that; else nothing.
std::optional<std::string> content_so_far(const fs::path& path, std::string_view content, mode_t mode) {
    struct stat found {};
    const bool may_be = lstat(path.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 07777) == mode &&
                        static_cast<std::size_t>(found.st_size) <= content.size();
    return may_be ? read_if_there(path) : std::nullopt;
}

/// Content and mode into the open file.
void fill(const UniqueFd& file, std::string_view content, mode_t mode, Durable when, const fs::path& path) {
    while (!content.empty()) {
        const auto written = write(file.get(), content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("cannot write " + path.string());
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    struct stat found {};
    if (fstat(file.get(), &found) != 0) fail("cannot look at " + path.string());
    if ((found.st_mode & 07777) != mode && fchmod(file.get(), mode) != 0)
        fail("cannot set the mode of " + path.string());
    if (when == Durable::at_once && fsync(file.get()) != 0) fail("cannot sync " + path.string());
}

void sync_folder(const fs::path& path) {
    const UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || fsync(folder.get()) != 0) fail("cannot sync " + path.string());
}

/// False: the file cannot be opened.
bool append(const fs::path& path, std::string_view content, mode_t mode, Durable when) {
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC));
    if (file) fill(file, content, mode, when, path);
    return bool(file);
}

/// False: the path is a mount point or its folder cannot be written, so that nothing can take its place.
bool replace(const fs::path& path, std::string_view content, mode_t mode, Durable when) {
    const fs::path aside = path.string() + ".drover-new";
    unlink(aside.c_str());
    const UniqueFd file(open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file && errno == EROFS) return false;
    if (!file) fail("cannot create " + aside.string());
    fill(file, content, mode, when, aside);
    if (rename(aside.c_str(), path.c_str()) != 0) {
        const int reason = errno;
        unlink(aside.c_str());
        errno = reason;
        if (reason == EBUSY) return false;
        fail("cannot replace " + path.string());
    }
    if (when == Durable::at_once) sync_folder(path.parent_path());
    return true;
}

}  // namespace

void fail(const std::string& what) {
    throw Error(ErrorKind::failed, what + ": " + std::strerror(errno));  // NOLINT: there is one thread
}

std::optional<std::string> read_if_there(const fs::path& path) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
    if (!file) fail("cannot open " + path.string());
    std::string content;
    std::array<char, 16384> piece{};
    while (true) {
        const auto size = read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) fail("cannot read " + path.string());
        if (size == 0) return content;
        content.append(piece.data(), static_cast<std::size_t>(size));
    }
}

void overwrite(const fs::path& path, std::string_view content, mode_t mode, Durable when) {
    const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) fail("cannot write " + path.string());
    // Not by O_TRUNC: to give a block back and take another is much work for an emulated guest.
    struct stat found {};
    const auto size = static_cast<off_t>(content.size());
    if (fstat(file.get(), &found) != 0 || (found.st_size > size && ftruncate(file.get(), size) != 0))
        fail("cannot shorten " + path.string());
    fill(file, content, mode, when, path);
}

bool put_file(const fs::path& path, std::string_view content, mode_t mode, Durable when) {
    const auto so_far = content_so_far(path, content, mode);
    if (so_far == content) return false;
    // To make another file is, for an emulated fork, a third of all work until it is ready; what only grows loses
    // nothing by growing in place.
    const bool grows = when == Durable::later && so_far && content.starts_with(*so_far);
    if (grows && append(path, content.substr(so_far->size()), mode, when)) return true;
    if (!replace(path, content, mode, when)) overwrite(path, content, mode, when);
    return true;
}

fs::path below(const fs::path& folder, const std::string& path) { return folder / fs::path(path).relative_path(); }

bool is_there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

bool is_folder(const fs::path& path) { return fs::is_directory(fs::symlink_status(path)); }

void sync_file_system(const fs::path& path) {
    const UniqueFd folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || syncfs(folder.get()) != 0) fail("cannot sync " + path.string());
}

void put_folder(const fs::path& path, mode_t mode) {
    if (mkdir(path.c_str(), mode) == 0) {
        sync_folder(path.parent_path());
    } else if (errno != EEXIST) {
        fail("cannot make the folder " + path.string());
    }
}

std::string with_block(const std::string& text, const std::string& block) {
    const auto begin = text.find(block_begin);
    const auto end = begin == std::string::npos ? begin : text.find(block_end, begin);
    const auto whole = block_begin + block + block_end;
    if (end != std::string::npos) return text.substr(0, begin) + whole + text.substr(end + block_end.size());
    const bool cut = !text.empty() && text.back() != '\n';
    return text + (cut ? "\n" : "") + whole;
}

std::string without_block(const std::string& text) {
    const auto begin = text.find(block_begin);
    const auto end = begin == std::string::npos ? begin : text.find(block_end, begin);
    return end == std::string::npos ? text : text.substr(0, begin) + text.substr(end + block_end.size());
}

}  // namespace drover::guest
