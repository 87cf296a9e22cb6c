#include "guest/levels.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <ctime>

#include "guest/files.hpp"

namespace drover::guest {
namespace {

/// The number after `name` at the beginning of a line, times 1024.
std::optional<std::int64_t> kibibytes(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos || (at > 0 && text[at - 1] != '\n')) return std::nullopt;
    text.remove_prefix(at + name.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    std::int64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc() || number < 0 || number > control::most_bytes / 1024) return std::nullopt;
    return number * 1024;
}

}  // namespace

std::optional<MemoryLevels> memory_in(std::string_view text) {
    const auto size = kibibytes(text, "MemTotal:"), free = kibibytes(text, "MemAvailable:");
    if (!size || !free) return std::nullopt;
    return MemoryLevels{*size, std::min(*free, *size)};
}

std::optional<control::Levels> read_levels(const std::string& folder) {
    struct statvfs disk {};
    const auto memory = memory_in(read_if_there("/proc/meminfo").value_or(""));
    if (!memory || ::statvfs(folder.c_str(), &disk) != 0) return std::nullopt;
    const auto block = static_cast<std::int64_t>(disk.f_frsize);
    const auto size = std::min(static_cast<std::int64_t>(disk.f_blocks), control::most_bytes / std::max(block, {1}));
    const auto free = std::min(static_cast<std::int64_t>(disk.f_bavail), size);
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const auto time = std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
    return control::Levels{std::max<std::int64_t>(time, 0), (size - free) * block, size * block, memory->free,
                           memory->size};
}

}  // namespace drover::guest
