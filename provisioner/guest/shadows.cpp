#include "guest/shadows.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "guest/files.hpp"
#include "model/unique_fd.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

fs::path below(const fs::path& folder, const std::string& path) { return folder / fs::path(path).relative_path(); }

bool lies_in(const std::string& path, const std::string& region) {
    return path == region || path.starts_with(region + "/");
}

std::string text_of(crypto_hash_sha256_state& state) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&state, digest.data());
    std::array<char, form_digits + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), digest.data(), form_digits / 2);
    return hex.data();
}

void add(crypto_hash_sha256_state& state, const char* bytes, std::size_t size) {
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(bytes), size);
}

std::string digest_of(const std::string& text) {
    crypto_hash_sha256_state state{};
    crypto_hash_sha256_init(&state);
    add(state, text.data(), text.size());
    return text_of(state);
}

std::string digest_of_file(const fs::path& path) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) fail("cannot open " + path.string());
    crypto_hash_sha256_state state{};
    crypto_hash_sha256_init(&state);
    std::array<char, 65536> piece{};
    ssize_t size = 0;
    while ((size = read(file.get(), piece.data(), piece.size())) > 0)
        add(state, piece.data(), static_cast<std::size_t>(size));
    if (size < 0) fail("cannot read " + path.string());
    return text_of(state);
}

FileForm::Kind kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return FileForm::Kind::folder;
    if (S_ISREG(mode)) return FileForm::Kind::file;
    return S_ISLNK(mode) ? FileForm::Kind::link : FileForm::Kind::other;
}

/// What of the guest's own at a path, which is no folder laid over another, makes of it.
Hiding different(const FileForm& own, const FileForm& was) {
    return own.kind == was.kind ? Hiding::edited : Hiding::replaced;
}

/// A folder of the guest's own. What is in it is asked for by itself; it hides no more than how the root's is.
std::optional<Hiding> hiding_of_folder(const FileForm& own, const PathChange& change) {
    if (!change.is.there()) return std::nullopt;
    if (!change.is.is_folder()) return own == change.was ? Hiding::copy : Hiding::replaced;
    if (!change.was.is_folder()) return std::nullopt;
    return own == change.was ? Hiding::copy : Hiding::edited;
}

/// Below a folder over which overlayfs lays the guest's own: what is not there is the root's.
std::optional<Hiding> hiding_in_upper(const Region& region, const fs::path& overlay, const PathChange& change) {
    const auto if_there = [&](Hiding how) { return change.is.there() ? std::optional(how) : std::nullopt; };
    bool opaque = false;
    for (const auto& step : steps_to(region, change.path)) {
        const auto path = below(overlay, step);
        const auto own = look_at(path, change).form;
        if (!own.there()) return opaque ? if_there(Hiding::opaque) : std::nullopt;
        if (is_whiteout(path)) return if_there(Hiding::deleted);
        if (step == change.path) {
            if (own == change.is) return std::nullopt;
            return own.is_folder() ? hiding_of_folder(own, change) : different(own, change.was);
        }
        if (!own.is_folder()) return if_there(Hiding::replaced);
        opaque |= is_opaque(path);
    }
    return std::nullopt;
}

/// Where the guest has all of its own, and what is not there is not there. What was seeded and not written since has
/// the time that all files of all roots have.
std::optional<Hiding> hiding_in_copy(const Region& region, const fs::path& overlay, const PathChange& change) {
    constexpr std::int64_t time_of_roots = 0;
    for (const auto& step : steps_to(region, change.path)) {
        const auto [own, time] = look_at(below(overlay, step), change);
        if (!own.there())
            return change.was.there() && change.is.there() ? std::optional(Hiding::deleted) : std::nullopt;
        if (step == change.path) {
            if (own == change.is) return std::nullopt;
            if (own.is_folder()) return hiding_of_folder(own, change);
            return own == change.was || time == time_of_roots ? Hiding::copy : different(own, change.was);
        }
        if (!own.is_folder()) return change.is.there() ? std::optional(Hiding::replaced) : std::nullopt;
    }
    return std::nullopt;
}

}  // namespace

std::optional<Region> region_of(const Profile& profile, const fs::path& root, const std::string& path) {
    for (const auto& region : profile.persistent)
        if (lies_in(path, region)) return Region{Region::Kind::persistent, region};
    for (const auto& region : profile.merged) {
        if (!lies_in(path, region)) continue;
        const bool folder = fs::is_directory(fs::symlink_status(below(root, region)));
        return Region{folder ? Region::Kind::merged_folder : Region::Kind::merged_file, region};
    }
    return std::nullopt;
}

std::vector<std::string> steps_to(const Region& region, const std::string& path) {
    std::vector<std::string> steps;
    for (auto slash = path.find('/', region.path.size() + 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
        steps.push_back(path.substr(0, slash));
    steps.push_back(path);
    return steps;
}

Found look_at(const fs::path& path, const PathChange& change) {
    struct stat info {};
    if (lstat(path.c_str(), &info) != 0) {
        if (errno == ENOENT || errno == ENOTDIR) return {};
        fail("cannot look at " + path.string());
    }
    Found found{{kind_of(info.st_mode), info.st_mode & 07777, info.st_uid, info.st_gid}, info.st_mtim.tv_sec};
    auto& form = found.form;
    if (form.kind != FileForm::Kind::file && form.kind != FileForm::Kind::link) return found;
    form.size = static_cast<std::uint64_t>(info.st_size);
    if (form.size != change.was.size && form.size != change.is.size) return found;
    form.digest = form.kind == FileForm::Kind::file ? digest_of_file(path) : digest_of(fs::read_symlink(path).string());
    return found;
}

bool is_whiteout(const fs::path& path) {
    struct stat found {};
    return lstat(path.c_str(), &found) == 0 && S_ISCHR(found.st_mode) && found.st_rdev == makedev(0, 0);
}

bool is_opaque(const fs::path& folder) {
    return std::any_of(std::begin(opaque_marks), std::end(opaque_marks), [&](const char* mark) {
        char value = 0;
        return lgetxattr(folder.c_str(), mark, &value, 1) == 1 && value == 'y';
    });
}

std::optional<Hiding> hiding_of(const Region& region, const fs::path& overlay, const PathChange& change) {
    if (region.kind == Region::Kind::merged_folder) return hiding_in_upper(region, overlay, change);
    return hiding_in_copy(region, overlay, change);
}

std::optional<Hiding> hiding_around_block(const fs::path& overlay, const PathChange& change) {
    const auto path = below(overlay, change.path);
    if (!fs::is_regular_file(fs::symlink_status(path))) return std::nullopt;
    const auto users = without_block(read_if_there(path).value_or(""));
    const auto digest = digest_of(users);
    if (users.empty() || digest == change.was.digest || digest == change.is.digest) return std::nullopt;
    return Hiding::edited;
}

}  // namespace drover::guest
