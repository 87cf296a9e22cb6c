#include "console/log_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>

#include "model/error.hpp"
#include "model/unique_fd.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, int error) {
    throw Error(ErrorKind::failed, fmt::format("console log {}: {}", path.string(), std::strerror(error)));
}

void make_folder(const fs::path& path) {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) fail(path, errno);
}

fs::path newer(const fs::path& folder, std::int64_t boot) { return folder / fmt::format("{}.log", boot); }
fs::path older(const fs::path& folder, std::int64_t boot) { return folder / fmt::format("{}.old", boot); }

/// Absent: nothing.
std::string bytes_of(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

long long size_of(const fs::path& path) {
    std::error_code error;
    const auto size = fs::file_size(path, error);
    return error ? 0 : static_cast<long long>(size);
}

/// The number of a newer half; 0: it is none.
std::int64_t boot_of(const fs::path& file) {
    std::int64_t boot = 0;
    const std::string name = file.stem();
    const auto* end = name.data() + name.size();
    const bool is_number = std::from_chars(name.data(), end, boot).ptr == end;
    return is_number && file.extension() == ".log" ? boot : 0;
}

std::string_view from(std::string_view text, long long at) {
    return text.substr(std::min(text.size(), static_cast<std::size_t>(at)));
}

}  // namespace

fs::path LogStore::folder_of(GuestId id) const { return folder_ / std::to_string(id); }

/// The latest first.
std::vector<std::int64_t> LogStore::boots_of(GuestId id) const {
    std::vector<std::int64_t> boots;
    std::error_code error;
    for (fs::directory_iterator at(folder_of(id), error), end; !error && at != end; at.increment(error))
        if (const auto boot = boot_of(at->path()); boot > 0) boots.push_back(boot);
    std::sort(boots.begin(), boots.end(), std::greater<>());
    return boots;
}

std::string LogStore::text_of(GuestId id, std::int64_t boot) const {
    const auto folder = folder_of(id);
    return bytes_of(older(folder, boot)) + bytes_of(newer(folder, boot));
}

void LogStore::begin(GuestId id, std::string_view line) {
    auto logs = logs_.lock();
    const auto known = logs->find(id);
    const bool was_used = known == logs->end() || known->second.size > known->second.first || known->second.turns > 0;
    if (!was_used) return;
    make_folder(folder_);
    make_folder(folder_of(id));
    const auto boots = boots_of(id);
    Log log{.boot = boots.empty() ? 1 : boots.front() + 1};
    write(id, log, line);
    log.first = log.size;
    (*logs)[id] = log;
    forget_old(id, log.boot);
}

void LogStore::go_on(GuestId id, std::string_view line) {
    auto logs = logs_.lock();
    if (logs->contains(id)) return;
    const auto boots = boots_of(id);
    Log log{.boot = boots.empty() ? 1 : boots.front()};
    log.size = size_of(newer(folder_of(id), log.boot));
    if (!boots.empty()) log.line = line;
    logs->emplace(id, std::move(log));
}

void LogStore::append(GuestId id, std::string_view bytes) {
    auto logs = logs_.lock();
    const auto found = logs->find(id);
    if (found == logs->end()) return;
    Log& log = found->second;
    if (!log.line.empty()) write(id, log, std::exchange(log.line, {}));
    write(id, log, bytes);
}

/// The file is open for as long as it is written to: thousands of guests are silent.
void LogStore::write(GuestId id, Log& log, std::string_view bytes) const {
    const auto folder = folder_of(id);
    const auto path = newer(folder, log.boot);
    if (log.size > 0 && log.size + static_cast<long long>(bytes.size()) > limits_.bytes / 2) {
        if (::rename(path.c_str(), older(folder, log.boot).c_str()) != 0 && errno != ENOENT) fail(path, errno);
        log.size = 0;
        ++log.turns;
    }
    constexpr int how = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    UniqueFd file(::open(path.c_str(), how, 0600));
    if (!file && errno == ENOENT) {  // of a guest that never had a log
        make_folder(folder_);
        make_folder(folder);
        file = UniqueFd(::open(path.c_str(), how, 0600));
    }
    if (!file) fail(path, errno);
    const auto written = ::write(file.get(), bytes.data(), bytes.size());
    if (written > 0) log.size += written;
    if (written != static_cast<ssize_t>(bytes.size())) fail(path, written < 0 ? errno : ENOSPC);
}

/// All but the last few starts.
void LogStore::forget_old(GuestId id, std::int64_t boot) const {
    const auto folder = folder_of(id);
    for (const auto other : boots_of(id)) {
        if (other > boot - limits_.boots) continue;
        for (const auto& path : {newer(folder, other), older(folder, other)})
            if (::unlink(path.c_str()) != 0 && errno != ENOENT) fail(path, errno);
    }
}

void LogStore::remove(GuestId id) {
    auto logs = logs_.lock();
    logs->erase(id);
    std::error_code error;
    fs::remove_all(folder_of(id), error);
    if (error) fail(folder_of(id), error.value());
}

std::optional<std::string> LogStore::read(GuestId id, int boots_ago) const {
    const auto lock = logs_.lock();
    const auto boots = boots_of(id);
    if (static_cast<std::size_t>(boots_ago) >= boots.size()) return std::nullopt;
    return text_of(id, boots[static_cast<std::size_t>(boots_ago)]);
}

LogStore::Place LogStore::end(GuestId id) const {
    auto logs = logs_.lock();
    const auto found = logs->find(id);
    if (found != logs->end()) return {found->second.boot, found->second.turns, found->second.size};
    const auto boots = boots_of(id);
    if (boots.empty()) return {};
    return {boots.front(), 0, size_of(newer(folder_of(id), boots.front()))};
}

std::string LogStore::more(GuestId id, Place& place) const {
    auto logs = logs_.lock();
    const auto found = logs->find(id);
    if (found == logs->end()) return "";
    const Log& log = found->second;
    if (place.boot == log.boot && place.turns == log.turns && place.at == log.size) return "";
    const auto folder = folder_of(id);
    std::string text;
    if (place.boot != log.boot) {
        if (place.boot > 0) text += from(bytes_of(newer(folder, place.boot)), place.at);
        text += text_of(id, log.boot);
    } else if (place.turns == log.turns) {
        text += from(bytes_of(newer(folder, log.boot)), place.at);
    } else {
        const bool is_there = place.turns + 1 == log.turns;
        text += from(bytes_of(older(folder, log.boot)), is_there ? place.at : 0);
        text += bytes_of(newer(folder, log.boot));
    }
    place = {log.boot, log.turns, log.size};
    return text;
}

}  // namespace drover
