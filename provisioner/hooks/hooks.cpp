#include "hooks/hooks.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "model/thread.hpp"

namespace drover {
namespace {

constexpr Duration look_interval = std::chrono::seconds(1);

struct PostEvent {
    std::string_view name;
    Happening happening;
};
constexpr PostEvent post_events[] = {{"guest-ready-post", Happening::ready},
                                     {"guest-stopped-post", Happening::stopped},
                                     {"guest-gone-post", Happening::gone},
                                     {"wave-done-post", Happening::wave_done},
                                     {"fault-post", Happening::fault}};

}  // namespace

Hooks::Hooks(const Config& config, Registry& registry, std::function<void()> heard)
    : runner_(config, registry), permissions_(runner_, std::move(heard)), farewells_(runner_) {}

Hooks::~Hooks() {
    runner_.end();
    if (thread_.joinable()) thread_.join();
}

void Hooks::start() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "hooks");
        be_nice(10);
        work();
    });
}

void Hooks::work() {
    bool is_tidy = false;
    do {
        try {
            if (!std::exchange(is_tidy, true)) forget_removed();
            look();
        } catch (const std::exception& error) {
            spdlog::warn("hooks: {}", error.what());
        }
    } while (!runner_.ends_within(look_interval));
}

/// Those that went while no daemon was there to see: should they come again, they are new.
void Hooks::forget_removed() {
    Registry& registry = runner_.registry();
    for (const auto& key : registry.note_keys(std::string(hook_note))) {
        const auto path = fmt::format("{}/{}", runner_.config().hooks.folder, key.substr(hook_note.size()));
        std::error_code error;
        const auto status = std::filesystem::symlink_status(path, error);
        if (status.type() == std::filesystem::file_type::not_found) registry.drop_note(key);
    }
}

/// Gives each hook that is new a thread, and tells of those that may not be run.
void Hooks::look() {
    std::erase_if(post_, [](const auto& entry) { return !entry.second || entry.second->is_over(); });
    const auto& folder = runner_.config().hooks.folder;
    std::set<std::string> paths;
    for (const auto event : hook_events) {
        for (const Hook& hook : hooks_at(folder, event)) {
            static_cast<void>(runner_.inspect(hook));
            paths.insert(hook.path);
        }
    }
    runner_.forget_others(paths);
    for (const auto& [event, happening] : post_events)
        for (const Hook& hook : hooks_at(folder, event))
            if (auto& post = post_[hook.path]; !post) post = std::make_unique<PostHook>(runner_, hook, happening);
}

}  // namespace drover
