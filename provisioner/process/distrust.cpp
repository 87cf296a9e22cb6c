#include "process/distrust.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <deque>
#include <sstream>

namespace drover {
namespace {

constexpr int most_links = 16;

/// The names of a path, the first one first, before those that are left of another.
void put_before(std::deque<std::string>& left, const std::string& path) {
    std::deque<std::string> names;
    std::istringstream text(path);
    for (std::string name; std::getline(text, name, '/');)
        if (!name.empty() && name != ".") names.push_back(name);
    left.insert(left.begin(), names.begin(), names.end());
}

std::string target_of(const std::string& link) {
    std::array<char, PATH_MAX> target{};
    const auto length = ::readlink(link.c_str(), target.data(), target.size());
    return {target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
}

std::optional<Distrust> distrust_of(const std::string& path, const struct stat& facts) {
    if (facts.st_uid != 0) return Distrust{path + " is not root's", "chown root " + path};
    if (S_ISLNK(facts.st_mode)) return std::nullopt;
    const bool is_writable = (facts.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool is_sticky = S_ISDIR(facts.st_mode) && (facts.st_mode & S_ISVTX) != 0;
    if (!is_writable || is_sticky) return std::nullopt;
    return Distrust{path + " can be written by others than root", "chmod go-w " + path};
}

std::optional<Distrust> distrust_of_program(const std::string& path, const struct stat& facts) {
    if (!S_ISREG(facts.st_mode)) return Distrust{path + " is no regular file", "move it elsewhere"};
    if ((facts.st_mode & S_IXUSR) != 0) return std::nullopt;
    return Distrust{path + " is not executable", fmt::format("chmod 0755 {}, or move it elsewhere", path)};
}

}  // namespace

std::optional<Distrust> distrust(const std::string& path) {
    std::deque<std::string> left;
    put_before(left, path);
    std::string at;  // resolved, without links
    struct stat facts {};
    for (int links = 0; !left.empty();) {
        const auto name = left.front();
        left.pop_front();
        if (name == "..") {
            at = at.substr(0, at.rfind('/'));
            continue;
        }
        const auto here = fmt::format("{}/{}", at, name);
        if (::lstat(here.c_str(), &facts) != 0)
            return Distrust{fmt::format("{}: {}", here, std::strerror(errno)), "look at " + path,
                            errno == ENOENT && links == 0};
        if (auto found = distrust_of(here, facts)) return found;
        if (!S_ISLNK(facts.st_mode)) {
            at = here;
            continue;
        }
        if (++links > most_links) return Distrust{path + " has too many links", "copy the program there"};
        const auto target = target_of(here);
        if (target.starts_with('/')) at.clear();
        put_before(left, target);
    }
    if (::lstat(at.c_str(), &facts) != 0) return Distrust{path + " is no regular file", "move it elsewhere"};
    return distrust_of_program(at, facts);
}

}  // namespace drover
