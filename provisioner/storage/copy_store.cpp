#include "storage/copy_store.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/failpoint.hpp"
#include "process/process.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr auto longest_copy = std::chrono::hours(6);
constexpr const char* unfinished = ".part";
constexpr const char* overlay_name = "overlay";

long long bytes_of(const fs::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) throw_errno("look at", file);
    return info.st_blocks * 512LL;
}

/// A guest's folder belongs to the user that QEMU runs as: what lies there may be anything.
void expect_regular(const fs::path& file) {
    if (!fs::is_regular_file(fs::symlink_status(file)))
        throw Error(ErrorKind::failed, fmt::format("{} is no plain file", file.string()));
}

}  // namespace

void copy_plain_file(const fs::path& from, const fs::path& to) {
    expect_regular(from);
    remove_tree(to);
    try {
        run_writer(
            {.argv = {"cp", "--no-dereference", "--reflink=auto", "--sparse=auto", from, to}, .deadline = longest_copy},
            to.parent_path());
    } catch (const Error&) {
        remove_tree(to);
        throw;
    }
    expect_regular(to);
    if (::chmod(to.c_str(), 0600) != 0 || ::lchown(to.c_str(), ::geteuid(), ::getegid()) != 0) throw_errno("own", to);
    sync_path(to);
}

CopyStore::CopyStore(const fs::path& state) : folder_(fs::absolute(state).lexically_normal() / "copies") {
    make_folder(folder_, 0700);
    for (const auto& path : entries_of(folder_))
        if (path.extension() == unfinished) remove_tree(path);
}

long long CopyStore::make(CopyId id, const std::string& overlay) const {
    const auto whole = folder(id);
    if (!fs::exists(whole)) {
        auto part = whole;
        part += unfinished;
        remove_tree(part);
        make_folder(part, 0700);
        copy_plain_file(overlay, part / overlay_name);
        sync_path(part);
        failpoint("copy.made");
        rename_new(part, whole);
    }
    return bytes_of(whole / overlay_name);
}

long long CopyStore::take(CopyId id, const std::string& overlay) const {
    const auto whole = folder(id);
    const bool is_there = fs::exists(fs::symlink_status(overlay));
    if (is_there) {
        make_folder(whole, 0700);
        rename_new(overlay, whole / overlay_name);
    }
    return fs::exists(whole / overlay_name) ? std::max(1LL, bytes_of(whole / overlay_name)) : 0;
}

std::string CopyStore::file(CopyId id) const {
    const auto file = folder(id) / overlay_name;
    if (!fs::exists(file)) throw Error(ErrorKind::not_found, fmt::format("no copy {}", file.string()));
    return file;
}

void CopyStore::remove(CopyId id) const { remove_tree(folder(id)); }

fs::path CopyStore::folder(CopyId id) const { return folder_ / std::to_string(id); }

}  // namespace drover
