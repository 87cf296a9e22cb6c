#pragma once
#include <optional>
#include <string>

namespace drover {

/// Why a program is not to be run as root, and what to do about that.
struct Distrust {
    std::string why, mend;
    bool absent = false;  ///< there is no such file
};

/// None when nobody but root can have written the program at this absolute path: it is an executable regular file, and
/// it, each folder on the way to it and each link that was followed are root's and not writable by group or others. (In
/// a sticky folder, such as /tmp, nobody can replace what is root's.)
std::optional<Distrust> distrust(const std::string& path);

}  // namespace drover
