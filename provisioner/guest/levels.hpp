#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "control/codec.hpp"

namespace drover::guest {

/// The clock, how full the file system of `folder` is, and the memory. Nothing when the kernel does not tell.
std::optional<control::Levels> read_levels(const std::string& folder);

/// Size and free memory in the text of /proc/meminfo, in bytes; nothing when it has no such lines.
struct MemoryLevels {
    std::int64_t size = 0, free = 0;
};
std::optional<MemoryLevels> memory_in(std::string_view text);

}  // namespace drover::guest
