// What templates and their forks need of overlays.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "storage/durable.hpp"
#include "storage/overlays.hpp"
#include "storage/prototypes.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// The bases that the qcow2 files below `folder`, one folder each, name.
void add_bases(const fs::path& folder, std::set<std::string>& bases) {
    for (const auto& inner : entries_of(folder)) {
        if (!fs::is_directory(fs::symlink_status(inner))) continue;
        for (const auto& file : entries_of(inner)) {
            try {
                bases.insert(backing_file(file));
            } catch (const Error&) {
                continue;  // a container's, or no qcow2: it is on nothing
            }
        }
    }
}

}  // namespace

std::string Overlays::base(const std::string& profile_name, long long disk) const {
    return prototypes_->get(Kind::vm, profile(profile_name), disk)->base;
}

bool Overlays::is_fresh(GuestId id, std::int64_t counter) const {
    const auto here = place(id, counter);
    if (here.prototype.empty() || !prototypes_->has_base(here.prototype)) return false;
    const auto& fresh = prototypes_->with_base(here.prototype)->onto;
    struct stat info {};
    if (::lstat(here.overlay.c_str(), &info) != 0) throw_errno("look at", here.overlay);
    return S_ISREG(info.st_mode) && info.st_size == fresh.size && read_sparse(here.overlay) == fresh;
}

Overlays::Place Overlays::create_at(const std::string& file, const std::string& profile_name, long long disk,
                                    const std::string& base) {
    const auto prototype =
        base.empty() ? prototypes_->get(Kind::vm, profile(profile_name), disk) : prototypes_->with_base(base);
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) throw_errno("create", file);
    write_sparse(fd.get(), prototype->onto, file);
    if (::fchown(fd.get(), qemu_.uid, qemu_.gid) != 0) throw_errno("give away", file);
    return {file, prototype->base};
}

std::string Overlays::keep_disk(const std::string& key, const std::string& overlay) {
    return prototypes_->keep_disk(key, overlay);
}

void Overlays::drop_disks(const std::vector<std::string>& but) {
    if (!prototypes_->has_disks()) return;
    std::set<std::string> used(but.begin(), but.end());
    for (const auto* folder : {"overlays", "copies"}) add_bases(fs::path(paths_.state) / folder, used);
    prototypes_->drop_disks(used);
}

}  // namespace drover
