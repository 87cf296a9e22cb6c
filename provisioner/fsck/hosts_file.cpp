#include "fsck/hosts_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

struct Line {
    std::string text;
    bool in_block = false;
};

std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file && errno == ENOENT) return "";
    std::ostringstream text;
    if (file && file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
    if (!file.is_open() || file.bad())
        throw Error(ErrorKind::unavailable, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
    return text.str();
}

/// The lines of a text, and which of them are inside a whole block of the instance.
std::vector<Line> lines_of(const std::string& text, const std::string& instance) {
    const auto begin = "# begin drover " + instance, end = "# end drover " + instance;
    std::vector<Line> lines;
    std::optional<std::size_t> open;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (line == end && open)
            for (auto i = *open; i < lines.size(); ++i) lines[i].in_block = true;
        if (line == end) open.reset();
        lines.push_back({line});
        if (line == begin) open = lines.size();
    }
    return lines;
}

[[noreturn]] void fail(const std::string& path) {
    throw Error(ErrorKind::failed, fmt::format("cannot write {}: {}", path, std::strerror(errno)));
}

void write_durably(const std::string& path, std::string_view text, int flags, mode_t mode) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, mode));
    if (!file) fail(path);
    const auto size = static_cast<off_t>(text.size());
    while (!text.empty()) {
        const auto n = ::write(file.get(), text.data(), text.size());
        if (n < 0 && errno != EINTR) fail(path);
        if (n > 0) text.remove_prefix(static_cast<std::size_t>(n));
    }
    if (::ftruncate(file.get(), size) != 0 || ::fsync(file.get()) != 0) fail(path);
}

/// Makes the file aside, with the mode and the owners that `path` has.
void write_aside(const std::string& aside, std::string_view text, const std::string& path) {
    struct stat old {};
    ::unlink(aside.c_str());
    write_durably(aside, text, O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (::stat(path.c_str(), &old) != 0 || ::chmod(aside.c_str(), old.st_mode & 07777) != 0 ||
        ::chown(aside.c_str(), old.st_uid, old.st_gid) != 0)
        fail(aside);
}

/// Puts the file aside in the place of `path`; where that is a mount of its own, its text only.
void switch_in(const std::string& aside, std::string_view text, const std::string& path) {
    if (::rename(aside.c_str(), path.c_str()) != 0) {
        if (errno != EBUSY) fail(path);
        ::unlink(aside.c_str());
        write_durably(path, text, 0, 0);
    }
    const UniqueFd folder(::open(fs::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) fail(path);
}

/// The text without the lines of the block that are `unwanted`.
std::string without(const std::string& text, const std::string& instance, const std::string& unwanted) {
    std::string rest;
    for (const auto& line : lines_of(text, instance))
        if (!line.in_block || line.text != unwanted) rest += line.text + "\n";
    if (!text.ends_with('\n') && rest.ends_with('\n')) rest.pop_back();
    return rest;
}

}  // namespace

HostsFile::HostsFile(std::string path, std::string instance) : path_(std::move(path)), instance_(std::move(instance)) {}

std::vector<std::string> HostsFile::lines() const {
    std::vector<std::string> block;
    for (const auto& line : lines_of(read_text(path_), instance_))
        if (line.in_block) block.push_back(line.text);
    return block;
}

void HostsFile::remove(const std::string& line) const {
    const auto path = fs::weakly_canonical(path_).string();
    const auto aside = path + ".fsck";
    for (auto text = read_text(path);;) {
        const auto rest = without(text, instance_, line);
        if (rest == text) return;
        write_aside(aside, rest, path);
        // The daemon may have written its block meanwhile: then from the beginning.
        auto again = read_text(path);
        if (again == text) return switch_in(aside, rest, path);
        text = std::move(again);
    }
}

}  // namespace drover::fsck
