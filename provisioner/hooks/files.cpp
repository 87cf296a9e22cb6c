#include "hooks/files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "model/error.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;

bool is_hook_name(std::string_view name) {
    const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !name.empty() && name.size() <= 64 && name.front() != '-' && std::all_of(name.begin(), name.end(), fits);
}

/// The names in a folder that may mean something, in order; none when there is no such folder.
std::vector<std::string> names_in(const std::string& folder) {
    std::vector<std::string> names;
    std::error_code error;
    if (!fs::exists(folder, error) && !error) return names;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        if (const auto name = at->path().filename().string(); is_hook_name(name)) names.push_back(name);
    if (error)
        throw Error(ErrorKind::unavailable, fmt::format("cannot read {}: {}", folder, error.message()),
                    fmt::format("ls -l {}", folder));
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace

std::vector<Hook> hooks_at(const std::string& folder, std::string_view event) {
    std::vector<Hook> hooks;
    const auto at_event = fmt::format("{}/{}", folder, event);
    for (const auto& name : names_in(at_event)) hooks.push_back({std::string(event), name, at_event + "/" + name});
    return hooks;
}

std::vector<Distrust> distrusted_hooks(const std::string& folder) {
    std::vector<Distrust> found;
    for (const auto& event : names_in(folder)) {
        const auto path = folder + "/" + event;
        if (!fs::is_directory(path)) continue;
        if (std::find(hook_events.begin(), hook_events.end(), event) == hook_events.end())
            found.push_back({path + " is for no event", fmt::format("the events are {}", fmt::join(hook_events, " "))});
        else
            for (const Hook& hook : hooks_at(folder, event))
                if (auto why = distrust(hook.path); why && !why->absent) found.push_back(std::move(*why));
    }
    return found;
}

}  // namespace drover
