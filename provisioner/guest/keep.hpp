#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace drover::guest {

/// What a rebuild leaves of the overlay before.
struct Keep {
    std::int64_t overlay = 0;        ///< the number under which it goes on; 0: nothing is to be taken away
    std::vector<std::string> paths;  ///< absolute

    bool operator==(const Keep&) const = default;
};

/// Takes everything from the overlay but these paths, what is below them, and the folders that lead there: once for
/// each number. Follows no link. Cut short at any point, the next run completes it.
void leave_only(const Keep& keep, const std::filesystem::path& overlay);

}  // namespace drover::guest
