#include "storage/trust.hpp"

#include <fmt/format.h>

#include <system_error>

#include "model/error.hpp"
#include "storage/digest.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr const char* manifest_file = "manifest.json";

bool has_size(const fs::path& file, long long bytes) {
    std::error_code error;
    return fs::is_regular_file(fs::symlink_status(file, error)) &&
           static_cast<long long>(fs::file_size(file, error)) == bytes;
}

std::string damage_of(const fs::path& folder, const Manifest& manifest, const std::function<void()>& pause) {
    if (manifest.digest() != "sha256:" + folder.filename().string())
        return fmt::format("{} holds another version, {}", folder.string(), manifest.digest());
    for (const auto& [name, file] : manifest.files) {
        const auto path = folder / name;
        if (!has_size(path, file.bytes)) return fmt::format("{} is missing or cut short", path.string());
        if (Digest().add_file(path, pause).hex() != file.sha256)
            return fmt::format("{} is not what was built", path.string());
    }
    return "";
}

Reading read_now(const fs::path& folder, const std::function<void()>& pause) {
    Reading reading;
    try {
        reading.manifest = std::make_shared<const Manifest>(read_manifest(folder));
    } catch (const Error& error) {
        reading.damage = error.what();
        return reading;
    }
    reading.damage = damage_of(folder, *reading.manifest, pause);
    return reading;
}

}  // namespace

Reading Trust::of(const fs::path& folder) {
    if (const auto known = current(folder)) return known->reading;
    return readings_.run(
        folder, [&] { return read(folder); }, [] {});
}

Reading Trust::read(const fs::path& folder, const std::function<void()>& pause) {
    auto files = identities_in(folder);  // first: what changes during the reading shows later
    const auto reading = read_now(folder, pause);
    if (!fs::exists(folder)) return reading;  // removed meanwhile, which is no damage
    bool news = !reading.damage.empty();
    {
        auto known = known_.lock();
        auto& entry = (*known)[folder];
        news = news && (!entry || entry->reading.damage != reading.damage);
        entry = std::make_shared<const Known>(Known{std::move(files), reading});
    }
    if (news && tell_) tell_(folder, reading.damage);
    return reading;
}

bool Trust::knows(const fs::path& folder) { return current(folder) != nullptr; }

void Trust::forget(const fs::path& folder) { known_.lock()->erase(folder); }

/// None when nothing is known, or its files are not those that were read.
std::shared_ptr<const Trust::Known> Trust::current(const fs::path& folder) {
    std::shared_ptr<const Known> known;
    {
        auto all = known_.lock();
        const auto found = all->find(folder);
        if (found != all->end()) known = found->second;
    }
    return known && known->files == identities_in(folder) ? known : nullptr;
}

/// A file that is not there has none.
std::vector<Trust::Identity> Trust::identities_in(const fs::path& folder) {
    std::vector<Identity> identities;
    const auto look_at = [&](std::string_view name) {
        struct stat info {};
        const bool found = ::lstat((folder / name).c_str(), &info) == 0;
        identities.push_back(
            found ? Identity{info.st_dev, info.st_ino, info.st_size, info.st_ctim.tv_sec, info.st_ctim.tv_nsec}
                  : Identity{});
    };
    look_at(manifest_file);
    for (const auto name : version_files) look_at(name);
    look_at(cloud_disk);
    return identities;
}

}  // namespace drover
