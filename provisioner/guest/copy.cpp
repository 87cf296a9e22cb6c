#include "guest/copy.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "guest/files.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

void copy_content(const fs::path& from, const fs::path& to) {
    const UniqueFd source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
    if (!source) fail("cannot open " + from.string());
    const UniqueFd target(open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!target) fail("cannot create " + to.string());
    constexpr std::size_t piece = 1 << 20;
    ssize_t sent = 0;
    while ((sent = sendfile(target.get(), source.get(), nullptr, piece)) > 0) continue;
    if (sent < 0) fail("cannot copy " + from.string());
}

void make(const fs::path& from, const fs::path& to, const struct stat& form) {
    switch (form.st_mode & S_IFMT) {
        case S_IFREG: return copy_content(from, to);
        case S_IFLNK: return fs::copy_symlink(from, to);
        case S_IFDIR:
            if (mkdir(to.c_str(), 0700) != 0) fail("cannot make the folder " + to.string());
            return;
        default:
            if (mknod(to.c_str(), form.st_mode, form.st_rdev) != 0) fail("cannot make " + to.string());
    }
}

void keep_attributes(const fs::path& to, const struct stat& form) {
    if (lchown(to.c_str(), form.st_uid, form.st_gid) != 0) fail("cannot set the owner of " + to.string());
    if (!S_ISLNK(form.st_mode) && chmod(to.c_str(), form.st_mode & 07777) != 0)
        fail("cannot set the mode of " + to.string());
    const std::array<timespec, 2> times{form.st_atim, form.st_mtim};
    if (utimensat(AT_FDCWD, to.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) != 0)
        fail("cannot set the times of " + to.string());
}

void copy(const fs::path& from, const fs::path& to, bool with_content) {
    struct stat form {};
    if (lstat(from.c_str(), &form) != 0) fail("cannot look at " + from.string());
    make(from, to, form);
    if (S_ISDIR(form.st_mode) && with_content)
        for (const auto& entry : fs::directory_iterator(from)) copy(entry.path(), to / entry.path().filename(), true);
    keep_attributes(to, form);  // last: filling a folder changes its time
}

}  // namespace

void copy_tree(const fs::path& from, const fs::path& to) { copy(from, to, true); }

void copy_alone(const fs::path& from, const fs::path& to) { copy(from, to, false); }

}  // namespace drover::guest
