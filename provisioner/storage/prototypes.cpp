#include "storage/prototypes.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/unique_fd.hpp"
#include "process/process.hpp"
#include "storage/durable.hpp"
#include "storage/profiles.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr long long mib = 1 << 20;
constexpr long long smallest = 16 * mib;
const std::string disk_prefix = "fork-";

void make_sparse_file(const fs::path& path, long long bytes) {
    const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!file || ::ftruncate(file.get(), bytes) != 0) throw_errno("create", path);
}

/// ext4 whose bytes depend on profile and size alone: fixed identity, fixed time. Inode tables and journal are zeroed
/// here, once, so that no guest's kernel does it in the background, each into its own overlay; and the journal is
/// small, because every overlay grows by the whole of its journal sooner or later.
void format(const fs::path& base, const Profile& profile, long long bytes) {
    constexpr auto id = "64726f76-6572-4000-8000-000000000001";
    const auto journal = std::clamp(bytes / mib / 256, 4LL, 64LL);
    Command command{.argv = {"mke2fs", "-q", "-F", "-t", "ext4", "-b", "4096", "-m", "0", "-L", "drover", "-U", id,
                             "-J", fmt::format("size={}", journal), "-E",
                             fmt::format("root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,hash_seed={}", id)}};
    if (!profile.skeleton.empty()) command.argv.insert(command.argv.end(), {"-d", profile.skeleton});
    command.argv.push_back(base);
    command.environment.emplace_back("E2FSPROGS_FAKE_TIME=1");
    run_writer(command, base.parent_path());
}

/// A fresh qcow2 on `backing`, which is not opened (-u): it is still on its way there.
void make_overlay(const fs::path& overlay, const fs::path& backing, long long bytes) {
    run_writer({.argv = {"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", backing, overlay,
                         std::to_string(bytes)}},
               overlay.parent_path());
}

/// Whether a prototype's folder holds a template's disk: a profile's has its size in its name.
bool is_disk(const fs::path& folder) {
    const auto name = folder.filename().string();
    return name.starts_with(disk_prefix) && name.find('-', disk_prefix.size()) == std::string::npos;
}

void seal_file(const fs::path& file) {
    if (::chmod(file.c_str(), 0444) != 0) throw_errno("set the mode of", file);
    sync_path(file);
}

}  // namespace

Prototypes::Prototypes(const fs::path& state) : state_(state) {
    make_folders(state.parent_path());
    make_folder(state, 0711);
    make_folder(state / "tmp", 0700);
    make_folder(state / "prototypes", 0755);
}

std::shared_ptr<const Prototype> Prototypes::get(Kind kind, const Profile& profile, long long bytes) {
    if (bytes < smallest || bytes > (1LL << 44))
        throw Error(ErrorKind::usage, fmt::format("a disk of {} bytes", bytes), "between 16MiB and 16TiB");
    const long long rounded = (bytes + mib - 1) / mib * mib;
    const auto short_key = fmt::format("{}-{}", profile.name, rounded);
    const auto loaded_key = fmt::format("{} {}", short_key, to_text(kind));
    {
        auto loaded = loaded_.lock();
        const auto found = loaded->find(loaded_key);
        if (found != loaded->end()) return found->second;
    }
    return flights_.run(
        loaded_key,
        [&] {
            auto prototype = load(kind, short_key, profile, rounded);
            (*loaded_.lock())[loaded_key] = prototype;
            return prototype;
        },
        [] {});
}

std::shared_ptr<const Prototype> Prototypes::load(Kind kind, const std::string& key, const Profile& profile,
                                                  long long bytes) {
    const auto folder = state_ / "prototypes" / fmt::format("{}-{}", key, fingerprint(profile));
    if (!fs::exists(folder)) make(folder, profile, bytes);
    const auto base = folder / "base.raw";
    const auto overlay = folder / "overlay.qcow2";
    if (!has_base(base) || backing_file(overlay) != base)
        throw Error(ErrorKind::failed, fmt::format("the prototype {} is broken, or was moved here", folder.string()),
                    "move it away: it is made anew; overlays on it need it back");
    if (kind == Kind::vm) return std::make_shared<const Prototype>(Prototype{base, read_sparse(overlay)});
    return std::make_shared<const Prototype>(Prototype{base, {}, read_sparse(base)});
}

void Prototypes::make(const fs::path& folder, const Profile& profile, long long bytes) const {
    const Scratch scratch(state_ / "tmp");
    const auto aside = scratch.path() / "prototype";
    make_folder(aside, 0755);
    make_sparse_file(aside / "base.raw", bytes);
    format(aside / "base.raw", profile, bytes);
    make_overlay(aside / "overlay.qcow2", folder / "base.raw", bytes);
    seal_file(aside / "base.raw");
    seal_file(aside / "overlay.qcow2");
    sync_path(aside);
    rename_new(aside, folder);  // there already: another process made the same
}

std::string Prototypes::keep_disk(const std::string& key, const fs::path& overlay) {
    const auto folder = state_ / "prototypes" / (disk_prefix + key);
    const auto base = folder / "base.raw";
    if (fs::exists(base)) return base;
    expect_plain_qcow2(overlay, Backing::allowed);
    if (!has_base(backing_file(overlay)))
        throw Error(ErrorKind::refused, fmt::format("{} is not on one of our prototypes", overlay.string()));
    const auto bytes = virtual_size(overlay);
    const Scratch scratch(state_ / "tmp");
    const auto aside = scratch.path() / "prototype";
    make_folder(aside, 0755);
    run_writer({.argv = {"qemu-img", "convert", "-q", "-f", "qcow2", "-O", "raw", overlay, aside / "base.raw"}}, aside);
    make_overlay(aside / "overlay.qcow2", base, bytes);
    seal_file(aside / "base.raw");
    seal_file(aside / "overlay.qcow2");
    sync_path(aside);
    rename_new(aside, folder);
    return base;
}

std::shared_ptr<const Prototype> Prototypes::with_base(const fs::path& base) {
    {
        auto loaded = loaded_.lock();
        const auto found = loaded->find(base);
        if (found != loaded->end()) return found->second;
    }
    const auto overlay = base.parent_path() / "overlay.qcow2";
    if (!has_base(base) || !fs::exists(overlay))
        throw Error(ErrorKind::not_found, fmt::format("no prototype {}", base.string()));
    auto prototype = std::make_shared<const Prototype>(Prototype{base, read_sparse(overlay)});
    (*loaded_.lock())[base] = prototype;
    return prototype;
}

void Prototypes::drop_disks(const std::set<std::string>& but) {
    for (const auto& folder : entries_of(state_ / "prototypes")) {
        const auto base = folder / "base.raw";
        if (!is_disk(folder) || but.contains(base)) continue;
        loaded_.lock()->erase(base);
        remove_tree(folder);
    }
}

bool Prototypes::has_disks() const {
    const auto all = entries_of(state_ / "prototypes");
    return std::any_of(all.begin(), all.end(), is_disk);
}

bool Prototypes::has_base(const fs::path& path) const {
    return path.lexically_normal().string() == path.string() && path.filename() == "base.raw" &&
           path.parent_path().parent_path() == state_ / "prototypes" && fs::is_regular_file(path);
}

}  // namespace drover
