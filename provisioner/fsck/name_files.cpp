#include "fsck/name_files.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "model/error.hpp"

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

/// What dnsmasq takes for left over by an editor.
bool is_ignored(const std::string& file) {
    return file.starts_with('.') || file.ends_with('~') || (file.starts_with('#') && file.ends_with('#'));
}

[[noreturn]] void fail(const std::string& path) {
    throw Error(ErrorKind::failed, fmt::format("{}: {}", path, std::strerror(errno)));
}

/// Makes `path` hold these lines, for all to read, at once.
void replace(const std::string& path, const std::string& aside, const std::vector<NameLine>& lines) {
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    for (const auto& line : lines) file << line.text << '\n';
    file.close();
    if (!file) fail(aside);
    fs::permissions(aside, fs::perms{0644});
    if (::rename(aside.c_str(), path.c_str()) != 0) fail(path);
}

}  // namespace

NameFiles::NameFiles(const std::string& state) : folder_(state + "/names") {}

std::vector<NameLine> NameFiles::lines() const {
    std::vector<std::string> files;
    std::error_code error;
    for (fs::directory_iterator at(folder_, error), end; !error && at != end; at.increment(error))
        if (!is_ignored(at->path().filename())) files.push_back(at->path().filename());
    if (error && error != std::errc::no_such_file_or_directory)
        throw Error(ErrorKind::unavailable, fmt::format("cannot read {}: {}", folder_, error.message()));
    std::sort(files.begin(), files.end());
    std::vector<NameLine> all;
    for (const auto& file : files)
        for (auto& line : lines_of(file)) all.push_back(std::move(line));
    return all;
}

bool NameFiles::remove(const NameLine& line) const {
    const auto path = folder_ + "/" + line.file;
    auto rest = lines_of(line.file);
    if (std::erase(rest, line) == 0) return false;
    if (!rest.empty()) {
        replace(path, folder_ + ".fsck", rest);
    } else if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        fail(path);
    }
    return true;
}

std::vector<NameLine> NameFiles::lines_of(const std::string& file) const {
    std::vector<NameLine> lines;
    std::ifstream in(folder_ + "/" + file, std::ios::binary);  // gone since: no lines
    for (std::string text; std::getline(in, text);) lines.push_back({file, text});
    return lines;
}

}  // namespace drover::fsck
