#include "storage/templates.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <tuple>

#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/qemu_user.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr const char* unfinished = ".part";
constexpr const char* manifest_name = "manifest.json";
constexpr long long spare = 64LL << 20;  // left to overlays and the registry

void expect_room_for(const fs::path& folder, long long bytes) {
    struct statvfs disk {};
    if (::statvfs(folder.c_str(), &disk) != 0) throw_errno("look at", folder);
    const auto left = static_cast<long long>(disk.f_bavail * disk.f_frsize);
    if (left >= bytes + spare) return;
    throw DiskFull(fmt::format("{} has {} MiB left, a template takes {} MiB and {} stay free", folder.string(),
                               left >> 20, bytes >> 20, spare >> 20));
}

/// A hole in it would be filled while a guest runs, when there may be no room any more.
void make_memory(const fs::path& path, long long bytes, uid_t uid, gid_t gid) {
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) throw_errno("create", path);
    errno = ::posix_fallocate(file.get(), 0, bytes);
    if (errno != 0) throw_errno("allocate", path);
    if (::fchown(file.get(), uid, gid) != 0) throw_errno("give away", path);
}

long long bytes_in(const fs::path& folder) {
    long long bytes = 0;
    for (const auto& file : entries_of(folder)) {
        struct stat info {};
        if (::lstat(file.c_str(), &info) == 0) bytes += info.st_blocks * 512LL;
    }
    return bytes;
}

nlohmann::json to_json(const Template& it) {
    return {{"image", it.image},
            {"version", it.version},
            {"profile", it.profile},
            {"fork_point", it.fork_point},
            {"needs", it.needs},
            {"disk", it.disk},
            {"made_ms", it.made.time_since_epoch().count()},
            {"took_ms", std::chrono::duration_cast<std::chrono::milliseconds>(it.took).count()},
            {"memory_sha256", digest_of_file(it.memory())},
            {"state_sha256", digest_of_file(it.state())}};
}

nlohmann::json manifest_in(const fs::path& folder) {
    const auto file = folder / manifest_name;
    const auto json = nlohmann::json::parse(read_file(file), nullptr, false);
    if (json.is_discarded()) throw Error(ErrorKind::failed, fmt::format("{} is no JSON", file.string()));
    return json;
}

Template from_json(const nlohmann::json& json, const fs::path& folder) {
    try {
        return {.key = folder.filename(),
                .image = json.at("image"),
                .version = json.at("version"),
                .profile = json.at("profile"),
                .fork_point = json.at("fork_point"),
                .needs = json.at("needs"),
                .disk = json.at("disk"),
                .made = Time(std::chrono::milliseconds(json.at("made_ms").get<long long>())),
                .took = std::chrono::milliseconds(json.at("took_ms").get<long long>()),
                .bytes = bytes_in(folder),
                .folder = folder};
    } catch (const nlohmann::json::exception& problem) {
        throw Error(ErrorKind::failed, fmt::format("{}: {}", (folder / manifest_name).string(), problem.what()));
    }
}

void expect_digest(const fs::path& file, const std::string& sha256) {
    if (digest_of_file(file) != sha256)
        throw Error(ErrorKind::failed, fmt::format("{} is not what was made", file.string()));
}

}  // namespace

std::string template_key(const std::map<std::string, std::string>& needs) {
    Digest digest;
    for (const auto& [name, value] : needs) digest.add(fmt::format("{} {} {}\n", name, value.size(), value));
    return digest.hex().substr(0, 32);
}

TemplateStore::TemplateStore(const fs::path& state, const std::string& user)
    : folder_(fs::absolute(state).lexically_normal() / "templates") {
    std::tie(uid_, gid_) = parse_qemu_user(user);
    make_folders(folder_.parent_path());
    make_folder(folder_, 0711);
}

fs::path TemplateStore::folder(const std::string& key) const { return folder_ / key; }

Template TemplateStore::begin(const std::string& key, long long memory) const {
    Template draft{.key = key, .folder = folder(key + unfinished)};
    remove_tree(draft.folder);
    expect_room_for(folder_, memory);
    make_folder(draft.folder, 0711);
    try {
        make_memory(draft.memory(), memory, uid_, gid_);
        write_new_file(draft.state(), "", 0600);
    } catch (...) {
        abandon(draft);
        throw;
    }
    return draft;
}

Template TemplateStore::finish(const Template& draft) const {
    sync_path(draft.memory());
    sync_path(draft.state());
    const fs::path aside = draft.folder, place = folder(draft.key);
    write_new_file(aside / manifest_name, to_json(draft).dump(2) + "\n", 0644);
    sync_path(aside);
    remove_tree(place);  // what could be used was loaded before another one was made
    rename_new(aside, place);
    return from_json(manifest_in(place), place);
}

void TemplateStore::abandon(const Template& draft) const { remove_tree(draft.folder); }

Template TemplateStore::load(const std::string& key) const {
    const auto place = folder(key);
    if (!has(key)) throw Error(ErrorKind::not_found, fmt::format("no template {}", place.string()));
    const auto json = manifest_in(place);
    auto found = from_json(json, place);
    if (template_key(found.needs) != key)
        throw Error(ErrorKind::failed, fmt::format("{} is of something else than its manifest says", place.string()));
    if (!found.disk.empty() && !fs::exists(found.disk))
        throw Error(ErrorKind::failed, fmt::format("{} is not there", found.disk));
    expect_digest(found.memory(), json.value("memory_sha256", ""));
    expect_digest(found.state(), json.value("state_sha256", ""));
    return found;
}

bool TemplateStore::has(const std::string& key) const { return fs::exists(folder(key) / manifest_name); }

std::vector<Template> TemplateStore::all() const {
    std::vector<Template> found;
    for (const auto& path : entries_of(folder_)) {
        if (path.extension() == unfinished) continue;
        try {
            found.push_back(from_json(manifest_in(path), path));
        } catch (const Error&) {
            continue;  // being removed; or broken, which who wants to use it is told
        }
    }
    return found;
}

void TemplateStore::remove(const std::string& key) const { remove_tree(folder(key)); }

void TemplateStore::sweep() const {
    for (const auto& path : entries_of(folder_))
        if (path.extension() == unfinished || !fs::exists(path / manifest_name)) remove_tree(path);
}

}  // namespace drover
