#include "storage/root_diff.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

#include "storage/durable.hpp"
#include "storage/mounting.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

/// A root that is mounted nowhere: its files are reached through the descriptor of its mount.
class OpenRoot {
  public:
    explicit OpenRoot(const std::string& file)
        : loop_(attach_loop(file, true)),
          mount_(mount_squashfs(loop_.path)),
          folder_(fmt::format("/proc/self/fd/{}/", mount_.get())) {}

    [[nodiscard]] fs::path at(const std::string& path) const { return folder_ / path.substr(1); }

    /// Path and what lstat(2) says, of everything but the top folder.
    [[nodiscard]] std::map<std::string, struct stat> entries() const {
        std::map<std::string, struct stat> result;
        const auto top = folder_.string().size() - 1;
        for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
            struct stat info {};
            if (::lstat(entry.path().c_str(), &info) != 0) throw_errno("look at", entry.path());
            result.emplace(entry.path().string().substr(top), info);
        }
        return result;
    }

  private:
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

}  // namespace drover
