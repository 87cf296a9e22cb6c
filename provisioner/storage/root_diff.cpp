#include "storage/root_diff.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/mounting.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

using Entries = std::map<std::string, struct stat>;

/// A root that is mounted nowhere: its files are reached through the descriptor of its mount.
class OpenRoot {
  public:
    explicit OpenRoot(const std::string& file)
        : loop_(attach_loop(file, true)),
          mount_(mount_squashfs(loop_.path)),
          folder_(fmt::format("/proc/self/fd/{}/", mount_.get())) {}

    [[nodiscard]] fs::path at(const std::string& path) const { return folder_ / path.substr(1); }

    /// Path and what lstat(2) says, of everything but the top folder.
    [[nodiscard]] Entries entries() const {
        Entries result;
        add_below(folder_, result);
        return result;
    }

    /// The same of a path and everything below it.
    [[nodiscard]] Entries entries(const std::string& path) const {
        Entries result;
        if (!fs::exists(fs::symlink_status(at(path)))) return result;
        add(at(path), result);
        if (fs::is_directory(fs::symlink_status(at(path)))) add_below(at(path), result);
        return result;
    }

  private:
    void add(const fs::path& path, Entries& result) const {
        struct stat info {};
        if (::lstat(path.c_str(), &info) != 0) throw_errno("look at", path);
        result.emplace(path.string().substr(folder_.string().size() - 1), info);
    }
    void add_below(const fs::path& folder, Entries& result) const {
        for (const auto& entry : fs::recursive_directory_iterator(folder)) add(entry.path(), result);
    }

    LoopDevice loop_;
    UniqueFd mount_;
    fs::path folder_;
};

bool same_content(const fs::path& one, const fs::path& other) {
    std::ifstream a(one, std::ios::binary), b(other, std::ios::binary);
    if (!a || !b) throw_errno("read", a ? other : one);
    std::array<char, 65536> from_a{}, from_b{};
    do {
        a.read(from_a.data(), from_a.size());
        b.read(from_b.data(), from_b.size());
        const auto count = static_cast<std::size_t>(a.gcount());
        if (a.gcount() != b.gcount() || std::memcmp(from_a.data(), from_b.data(), count) != 0) return false;
    } while (a);
    return true;
}

bool same(const OpenRoot& before, const struct stat& was, const OpenRoot& after, const struct stat& is,
          const std::string& path) {
    if (was.st_mode != is.st_mode || was.st_uid != is.st_uid || was.st_gid != is.st_gid || was.st_rdev != is.st_rdev)
        return false;
    if (S_ISLNK(is.st_mode)) return fs::read_symlink(before.at(path)) == fs::read_symlink(after.at(path));
    if (!S_ISREG(is.st_mode)) return true;
    return was.st_size == is.st_size && same_content(before.at(path), after.at(path));
}

FileForm form_in(const OpenRoot& root, const Entries& entries, const std::string& path) {
    const auto found = entries.find(path);
    if (found == entries.end()) return {};
    const auto& info = found->second;
    FileForm form{FileForm::Kind::other, info.st_mode & 07777, info.st_uid, info.st_gid};
    if (S_ISDIR(info.st_mode)) form.kind = FileForm::Kind::folder;
    if (!S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode)) return form;
    const bool file = S_ISREG(info.st_mode);
    form.kind = file ? FileForm::Kind::file : FileForm::Kind::link;
    form.size = static_cast<std::uint64_t>(info.st_size);
    form.digest = file ? digest_of_file(root.at(path)) : Digest().add(fs::read_symlink(root.at(path)).string()).hex();
    form.digest.resize(form_digits);
    return form;
}

bool can_be_executed(const PathChange& change) {
    return (change.is.kind == FileForm::Kind::file && (change.is.mode & 0111) != 0) ||
           (change.was.kind == FileForm::Kind::file && (change.was.mode & 0111) != 0);
}

/// Everything at or below these paths, in either root.
class Pair {
  public:
    Pair(const std::string& before, const std::string& after) : old_(before), new_(after) {}

    void look_below(const std::string& path) {
        was_.merge(old_.entries(path));
        is_.merge(new_.entries(path));
    }
    [[nodiscard]] std::set<std::string> differing() const {
        std::set<std::string> paths;
        for (const auto& [path, info] : was_) {
            const auto found = is_.find(path);
            if (found == is_.end() || !same(old_, info, new_, found->second, path)) paths.insert(path);
        }
        for (const auto& [path, info] : is_)
            if (!was_.contains(path)) paths.insert(path);
        return paths;
    }
    [[nodiscard]] PathChange change(const std::string& path) const {
        return {path, form_in(old_, was_, path), form_in(new_, is_, path)};
    }

  private:
    OpenRoot old_, new_;
    Entries was_, is_;
};

}  // namespace

std::string to_text(Difference::Change change) {
    constexpr std::array words{"added", "removed", "changed"};
    return words.at(static_cast<std::size_t>(change));
}

std::vector<Difference> differences(const std::string& before, const std::string& after) {
    const OpenRoot old_root(before), new_root(after);
    const auto was = old_root.entries();
    const auto is = new_root.entries();
    std::vector<Difference> result;
    for (const auto& [path, info] : was) {
        const auto found = is.find(path);
        if (found == is.end())
            result.push_back({path, Difference::Change::removed});
        else if (!same(old_root, info, new_root, found->second, path))
            result.push_back({path, Difference::Change::changed});
    }
    for (const auto& [path, info] : is)
        if (!was.contains(path)) result.push_back({path, Difference::Change::added});
    std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
    return result;
}

std::vector<PathChange> changes_below(const std::string& before, const std::string& after,
                                      const std::vector<std::string>& below, const std::vector<std::string>& also) {
    Pair roots(before, after);
    for (const auto& path : below) roots.look_below(path);
    auto paths = roots.differing();
    paths.insert(also.begin(), also.end());
    std::vector<PathChange> result;
    for (const auto& path : paths) {
        auto change = roots.change(path);
        if (change.was.there() || change.is.there()) result.push_back(std::move(change));
    }
    std::stable_partition(result.begin(), result.end(), can_be_executed);
    return result;
}

}  // namespace drover
