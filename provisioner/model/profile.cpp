#include "model/profile.hpp"

#include <fmt/format.h>

namespace drover {

std::string kernel_parameters(const Profile& profile) {
    std::string text;
    const auto add = [&](std::string_view key, const std::vector<std::string>& paths) {
        if (paths.empty()) return;
        text += fmt::format("{}drover.{}={}", text.empty() ? "" : " ", key, fmt::join(paths, ","));
    };
    add("persistent", profile.persistent);
    add("merged", profile.merged);
    add("volatile", profile.volatile_);
    return text;
}

}  // namespace drover
