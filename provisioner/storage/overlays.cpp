#include "storage/overlays.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <optional>

#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "storage/archive.hpp"
#include "storage/cloud_image.hpp"
#include "storage/copy_store.hpp"
#include "storage/durable.hpp"
#include "storage/profiles.hpp"
#include "storage/prototypes.hpp"
#include "storage/qemu_user.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr const char* seed_name = "seed.iso";

template <typename Number> std::optional<Number> whole_number(std::string_view text) {
    Number number = 0;
    const auto* end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || rest != end) return std::nullopt;
    return number;
}

std::string file_name(std::int64_t counter, Kind kind) {
    return fmt::format("{}.{}", counter, kind == Kind::vm ? "qcow2" : "img");
}

/// The guest's folder, open; made when absent. It belongs to the user that QEMU runs as, so nothing in it is trusted:
/// files are made anew by name inside this descriptor, and no link is followed.
UniqueFd open_folder(const fs::path& path, uid_t uid, gid_t gid) {
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) throw_errno("create folder", path);
    UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) throw_errno("open", path);
    if (::fchown(folder.get(), uid, gid) != 0 || ::fchmod(folder.get(), 0700) != 0) throw_errno("give away", path);
    if (made) sync_path(path.parent_path());
    return folder;
}

void write_overlay(int folder, const std::string& name, const SparseImage& image, uid_t uid, gid_t gid) {
    ::unlinkat(folder, name.c_str(), 0);
    const UniqueFd file(::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) throw_errno("create", name);
    write_sparse(file.get(), image, name);
    if (::fchown(file.get(), uid, gid) != 0 || ::fsync(file.get()) != 0) throw_errno("write", name);
}

}  // namespace

Overlays::Overlays(StoragePaths paths, const std::string& user) : paths_(std::move(paths)) {
    const fs::path state = paths_.state = fs::absolute(paths_.state).lexically_normal();
    std::tie(qemu_.uid, qemu_.gid) = parse_qemu_user(user);
    profiles_ = read_profiles(paths_.profiles);
    prototypes_ = std::make_unique<Prototypes>(state);
    make_folder(state / "overlays", 0711);
    make_folder(state / "lost", 0700);
}

Overlays::~Overlays() = default;

const Profile& Overlays::profile(const std::string& name) const {
    const auto found = profiles_.find(name);
    if (found != profiles_.end()) return found->second;
    std::vector<std::string> names;
    for (const auto& [known, profile] : profiles_) names.push_back(known);
    throw Error(ErrorKind::not_found, fmt::format("no profile '{}'", name),
                fmt::format("one of: {}", fmt::join(names, ", ")));
}

bool Overlays::any_probes() const {
    return std::any_of(profiles_.begin(), profiles_.end(),
                       [](const auto& entry) { return !entry.second.probes.empty(); });
}

Overlays::Place Overlays::create(GuestId id, std::int64_t counter, const std::string& profile_name, long long disk,
                                 Kind kind) {
    const auto prototype = prototypes_->get(kind, profile(profile_name), disk);
    const bool is_vm = kind == Kind::vm;
    return lay(id, counter, is_vm ? prototype->onto : prototype->copy, is_vm ? prototype->base : "", kind);
}

Overlays::Place Overlays::create_forked(GuestId id, std::int64_t counter, const std::string& base) {
    return lay(id, counter, prototypes_->with_base(base)->onto, base, Kind::vm);
}

Overlays::Place Overlays::lay(GuestId id, std::int64_t counter, const SparseImage& image, const std::string& base,
                              Kind kind) {
    const auto [uid, gid] = kind == Kind::vm ? qemu_ : User{::geteuid(), ::getegid()};
    const fs::path path = folder(id);
    const auto folder_fd = open_folder(path, uid, gid);
    const auto name = file_name(counter, kind);
    const auto aside = name + ".new";
    try {
        write_overlay(folder_fd.get(), aside, image, uid, gid);
        if (::renameat(folder_fd.get(), aside.c_str(), folder_fd.get(), name.c_str()) != 0)
            throw_errno("rename to", name);
        if (::fsync(folder_fd.get()) != 0) throw_errno("sync", path);
    } catch (const DiskFull& error) {
        throw DiskFull(error.within(path.string()));
    } catch (const Error& error) {
        throw error.within(path.string());
    }
    return {path / name, base};
}

/// Made where only root can look: a link that somebody puts in its place is not followed but replaced.
template <typename Make> void Overlays::put(GuestId id, const std::string& name, Kind kind, Make&& make) {
    const auto [uid, gid] = kind == Kind::vm ? qemu_ : User{::geteuid(), ::getegid()};
    const auto folder_fd = open_folder(folder(id), uid, gid);
    const Scratch scratch(fs::path(paths_.state) / "tmp");
    const auto made = scratch.path() / "made";
    make(scratch.path(), made);
    if (::lchown(made.c_str(), uid, gid) != 0 || ::chmod(made.c_str(), 0600) != 0) throw_errno("give away", made);
    if (::renameat(AT_FDCWD, made.c_str(), folder_fd.get(), name.c_str()) != 0) throw_errno("rename to", name);
    if (::fsync(folder_fd.get()) != 0) throw_errno("sync", folder(id));
}

template <typename Make> Overlays::Place Overlays::install(GuestId id, std::int64_t counter, Kind kind, Make&& make) {
    put(id, file_name(counter, kind), kind, make);
    return place(id, counter, kind);
}

Overlays::Place Overlays::create_on(const std::string& base, GuestId id, std::int64_t counter, long long disk) {
    return install(id, counter, Kind::vm,
                   [&](const fs::path&, const fs::path& made) { make_cloud_overlay(base, made, disk); });
}

void Overlays::put_seed(GuestId id, const std::map<std::string, std::string>& files) {
    put(id, seed_name, Kind::vm,
        [&](const fs::path& scratch, const fs::path& made) { make_seed(files, paths_, scratch, made); });
}

std::string Overlays::seed(GuestId id) const { return fs::path(folder(id)) / seed_name; }

Overlays::Place Overlays::create_from(const std::string& source, GuestId id, std::int64_t counter, Kind kind) {
    return install(id, counter, kind, [&](const fs::path&, const fs::path& made) { copy_plain_file(source, made); });
}

Overlays::Place Overlays::create_from_archive(const std::string& archive, GuestId id, std::int64_t counter, Kind kind) {
    return install(id, counter, kind, [&](const fs::path& scratch, const fs::path& made) {
        extract_overlay(archive, kind, scratch, made);
    });
}

Overlays::Place Overlays::carry_over(GuestId id, std::int64_t had, std::int64_t counter, Kind kind) {
    const auto from = path(id, had, kind);
    const auto to = path(id, counter, kind);
    if (!fs::exists(fs::symlink_status(to))) {
        if (!fs::exists(fs::symlink_status(from)))
            throw Error(ErrorKind::not_found, fmt::format("no overlay {}", from));
        rename_new(from, to);
    }
    return place(id, counter, kind);
}

std::string Overlays::path(GuestId id, std::int64_t counter, Kind kind) const {
    return fs::path(folder(id)) / file_name(counter, kind);
}

Overlays::Place Overlays::place(GuestId id, std::int64_t counter, Kind kind) const {
    const auto overlay = path(id, counter, kind);
    if (!fs::exists(fs::symlink_status(overlay)))
        throw Error(ErrorKind::not_found, fmt::format("no overlay {}", overlay));
    if (kind == Kind::container) return {overlay, ""};
    const auto base = backing_file(overlay);
    if (base.empty()) return {overlay, ""};
    // A QEMU that was broken into could have written any name into the header.
    if (!prototypes_->has_base(base) && !is_cloud_disk(paths_.state, base))
        throw Error(ErrorKind::failed, fmt::format("{} is backed by '{}', none of our prototypes", overlay, base));
    return {overlay, base};
}

void Overlays::expect_room() const { drover::expect_room(fs::path(paths_.state) / "overlays"); }

void Overlays::drop_others(GuestId id, std::int64_t counter) {
    const fs::path path = folder(id);
    if (!fs::exists(path)) return;
    for (const auto& file : entries_of(path))
        if (file.filename() != file_name(counter, Kind::vm) && file.filename() != file_name(counter, Kind::container))
            remove_tree(file);
}

void Overlays::remove(GuestId id) { remove_tree(folder(id)); }

std::string Overlays::move_to_lost(GuestId id) {
    const fs::path path = folder(id);
    if (!fs::exists(path)) throw Error(ErrorKind::not_found, fmt::format("no overlays in {}", path.string()));
    const auto lost = fs::path(paths_.state) / "lost";
    for (int n = 1;; ++n) {
        const auto target = lost / fmt::format("{}.{}", id, n);
        if (rename_new(path, target)) return target;
    }
}

std::vector<GuestId> Overlays::ids() const {
    std::vector<GuestId> ids;
    for (const auto& path : entries_of(fs::path(paths_.state) / "overlays"))
        if (const auto id = whole_number<GuestId>(path.filename().string())) ids.push_back(*id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::string Overlays::folder(GuestId id) const { return fs::path(paths_.state) / "overlays" / std::to_string(id); }

}  // namespace drover
