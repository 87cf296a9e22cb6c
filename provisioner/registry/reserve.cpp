#include "registry/reserve.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "model/unique_fd.hpp"

namespace drover {
namespace {

constexpr int room_for = 3;  // of them: one that takes the last space would be given up at once

}  // namespace

Reserve::Reserve(std::string file, long long size) : file_(std::move(file)), size_(size) { restore(); }

bool Reserve::give_up() {
    auto state = state_.lock();
    if (!std::exchange(state->there, false)) return false;
    return ::unlink(file_.c_str()) == 0;
}

void Reserve::restore() noexcept {
    if (size_ == 0) return;
    auto state = state_.lock();
    const auto now = std::chrono::steady_clock::now();
    if (state->there || now < state->next_look) return;
    state->next_look = now + std::chrono::seconds(1);
    struct stat found {};
    const bool whole = ::stat(file_.c_str(), &found) == 0 && found.st_size == size_;
    state->there = whole || (has_room() && make());
}

bool Reserve::has_room() const {
    struct statvfs disk {};
    const auto folder = std::filesystem::path(file_).parent_path();
    if (::statvfs(folder.c_str(), &disk) != 0) return false;
    return disk.f_bavail * disk.f_frsize >= static_cast<unsigned long long>(room_for * size_);
}

bool Reserve::make() const {
    const UniqueFd file(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file && ::posix_fallocate(file.get(), 0, size_) == 0) return true;
    ::unlink(file_.c_str());
    return false;
}

}  // namespace drover
