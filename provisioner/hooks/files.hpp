#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "process/distrust.hpp"

namespace drover {

inline constexpr std::string_view request_pre = "request-pre";
inline constexpr std::string_view guest_retire_pre = "guest-retire-pre";

/// All events: the names of the folders in hooks.folder.
inline constexpr std::array<std::string_view, 7> hook_events{request_pre,      "guest-ready-post", "guest-stopped-post",
                                                             guest_retire_pre, "guest-gone-post",  "wave-done-post",
                                                             "fault-post"};

/// A program at an event. hooks/README.md is its contract.
struct Hook {
    std::string event, name;
    std::string path;

    /// "guest-ready-post/mail".
    [[nodiscard]] std::string label() const { return event + "/" + name; }
};

/// Those of an event, by name; what is named otherwise than [a-z0-9][a-z0-9-]* is none. They may still be nothing to
/// run: distrust(). None when there is no folder; Error{unavailable} when it cannot be read.
std::vector<Hook> hooks_at(const std::string& folder, std::string_view event);

/// What in the hooks' folder is never run, or its folder is for no event; a program without a reason is not among them.
/// Error{unavailable} as above.
std::vector<Distrust> distrusted_hooks(const std::string& folder);

}  // namespace drover
