#include "fsck/state_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fsck/overlay_file.hpp"
#include "fsck/registry_facts.hpp"
#include "fsck/root_folder.hpp"
#include "model/error.hpp"
#include "model/time.hpp"
#include "model/unique_fd.hpp"

namespace drover::fsck {
namespace fs = std::filesystem;
namespace {

/// The names in a folder, in order. What is no folder, or not there, has none.
std::vector<std::string> names_in(const fs::path& folder) {
    std::error_code error;
    std::vector<std::string> names;
    if (!fs::is_directory(fs::symlink_status(folder, error))) return names;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
        names.push_back(at->path().filename());
    if (error && error != std::errc::no_such_file_or_directory)
        throw Error(ErrorKind::unavailable, fmt::format("cannot read {}: {}", folder.string(), error.message()));
    std::sort(names.begin(), names.end());
    return names;
}

[[noreturn]] void fail(const fs::path& path) {
    throw Error(ErrorKind::failed, fmt::format("{}: {}", path.string(), std::strerror(errno)));
}

void sync_folder(const fs::path& path) {
    const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) fail(path);
}

/// The time as part of a file name: "20261121T083000Z".
std::string stamp() {
    auto text = to_rfc3339(now());
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

/// Renames unless there is something of that name. False: there is.
bool rename_new(const fs::path& from, const fs::path& to) {
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno == EEXIST) return false;
    fail(from);
}

/// What its manifest says, and whether its other files are there.
TemplateFolder read_template(const fs::path& path) {
    std::ifstream file(path / "manifest.json");
    const auto manifest = nlohmann::json::parse(file, nullptr, false);
    if (!manifest.is_object()) return {.flaw = "has no manifest that can be read"};
    const auto text = [&](const char* key) {
        const auto found = manifest.find(key);
        return found != manifest.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    TemplateFolder folder{.root = root_name(text("image"), text("version"))};
    for (const auto* name : {"memory", "state"})
        if (!fs::is_regular_file(fs::symlink_status(path / name))) folder.flaw = fmt::format("has no {}", name);
    return folder;
}

}  // namespace

StateFiles::StateFiles(const std::string& state) : state_(fs::absolute(state).lexically_normal()) {}

std::vector<OverlayFolder> StateFiles::overlays() const {
    std::vector<OverlayFolder> folders;
    for (const auto& name : names_in(fs::path(state_) / "overlays")) {
        if (name == "lost+found") continue;  // of a disk of their own
        auto& folder = folders.emplace_back(OverlayFolder{name, {}});
        for (const auto& file : names_in(overlay_path(name)))
            folder.files[file] = flaw_of_overlay(fs::path(overlay_path(name)) / file);
    }
    return folders;
}

std::map<std::string, bool> StateFiles::roots() const {
    std::map<std::string, bool> roots;
    for (const auto& image : names_in(fs::path(state_) / "roots")) {
        for (const auto& entry : names_in(fs::path(state_) / "roots" / image)) {
            if (entry.starts_with('.')) continue;  // the lock
            const auto root = fmt::format("{}/{}", image, entry);
            roots[root] = is_whole_root(root_path(root));
        }
    }
    return roots;
}

std::map<std::string, bool> StateFiles::copies() const {
    std::map<std::string, bool> copies;
    for (const auto& name : names_in(fs::path(state_) / "copies")) {
        if (name.ends_with(".part")) continue;  // being made
        const auto file = fs::path(copy_path(name)) / "overlay";
        copies[name] = flaw_of_overlay(file).empty();
    }
    return copies;
}

std::map<std::string, TemplateFolder> StateFiles::templates() const {
    std::map<std::string, TemplateFolder> templates;
    for (const auto& name : names_in(fs::path(state_) / "templates"))
        templates[name] =
            name.ends_with(".part") ? TemplateFolder{.unfinished = true} : read_template(template_path(name));
    return templates;
}

std::vector<std::string> StateFiles::logs() const { return names_in(fs::path(state_) / "consoles"); }

std::optional<std::string> StateFiles::move_to_lost(const std::string& name) const {
    return move_to_lost(overlay_path(name), name);
}

std::optional<std::string> StateFiles::move_root_to_lost(const std::string& root) const {
    auto name = root;
    std::replace(name.begin(), name.end(), '/', '-');
    return move_to_lost(root_path(root), name);
}

std::optional<std::string> StateFiles::move_copy_to_lost(const std::string& name) const {
    return move_to_lost(copy_path(name), "copy-" + name);
}

std::optional<std::string> StateFiles::move_log_to_lost(const std::string& name) const {
    return move_to_lost(log_path(name), "console-" + name);
}

std::optional<std::string> StateFiles::move_template_to_lost(const std::string& name) const {
    return move_to_lost(template_path(name), "template-" + name);
}

std::optional<std::string> StateFiles::move_to_lost(const std::string& path, const std::string& name) const {
    const fs::path from = path, lost = fs::path(state_) / "lost";
    if (!fs::exists(fs::symlink_status(from))) return std::nullopt;
    if (::mkdir(lost.c_str(), 0700) != 0 && errno != EEXIST) fail(lost);
    const auto base = fmt::format("{}-{}", name.substr(0, 200), stamp());  // a name has 255 bytes at most
    auto to = lost / base;
    for (int n = 2; !rename_new(from, to); ++n) to = lost / fmt::format("{}.{}", base, n);
    for (const auto& folder : {lost, from.parent_path(), fs::path(state_)}) sync_folder(folder);
    return to;
}

std::string StateFiles::overlay_path(const std::string& name) const { return fs::path(state_) / "overlays" / name; }

std::string StateFiles::log_path(const std::string& name) const { return fs::path(state_) / "consoles" / name; }

std::string StateFiles::template_path(const std::string& name) const { return fs::path(state_) / "templates" / name; }

std::string StateFiles::copy_path(const std::string& name) const { return fs::path(state_) / "copies" / name; }

std::string StateFiles::root_path(const std::string& root) const { return fs::path(state_) / "roots" / root; }

}  // namespace drover::fsck
