#include "storage/root_build.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

#include "model/unique_fd.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/kernel_split.hpp"
#include "storage/packages.hpp"
#include "storage/sealed.hpp"

namespace drover {
namespace fs = std::filesystem;

UniqueFd lock_image(const fs::path& folder, const BuildWork& work) {
    const auto file = folder / ".lock";
    UniqueFd lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) throw_errno("open", file);
    bool told = false;
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) throw_errno("lock", file);
        if (!told) work.tell("another process builds this image: waiting for it");
        told = true;
        // Polled, because flock() knows no deadline.
        std::this_thread::sleep_for(std::min(work.left(), std::chrono::milliseconds(100)));
    }
    return lock;
}

namespace {

void unpack(const std::vector<Package>& packages, const fs::path& folder, const BuildWork& work) {
    make_folder(folder, 0755);
    if (!packages.empty()) work.tell("unpacking packages");
    for (const auto& package : packages)
        if (!package.installed) run_or_throw(work.command({"dpkg-deb", "-x", package.file, folder}));
}

/// A folder of those that the recipe installs itself.
void gather(const std::vector<Package>& packages, const fs::path& folder) {
    make_folder(folder, 0755);
    for (const auto& package : packages)
        if (package.installed) fs::create_symlink(package.file, folder / package.file.filename());
}

void assemble(const Recipe& recipe, const fs::path& scratch, const StoragePaths& paths, const BuildWork& work) {
    if (!fs::is_regular_file(paths.guest_end))
        throw Error(ErrorKind::failed, fmt::format("the guest's end '{}' is missing", paths.guest_end),
                    "install Drover again");
    const auto out = scratch / "out";
    make_folder(out, 0755);
    work.tell("assembling the root");
    auto command = work.command({recipe.assemble, scratch / "packages", out, paths.guest_end}, out);
    command.environment.push_back("TMPDIR=" + scratch.string());  // swept away even when it is killed
    command.environment.push_back("DROVER_INSTALL=" + (scratch / "install").string());
    command.environment.push_back("DROVER_IMAGES=" + paths.images);  // where lib.sh is, for recipes elsewhere
    command.line = [&work](const std::string& line) { work.tell(line); };
    run_or_throw(command);
}

Manifest describe(const Recipe& recipe, const std::vector<Package>& packages, const fs::path& out) {
    Manifest manifest;
    manifest.image = recipe.name;
    manifest.kernel_parameters = recipe.kernel_parameters;
    manifest.profile = recipe.profile;
    manifest.fork_point = recipe.fork_point;
    manifest.memory = recipe.memory;
    for (const auto& package : packages) manifest.packages.emplace_back(package.name, package.version);
    for (const auto name : version_files)
        manifest.files[std::string(name)] = {digest_of_file(out / name),
                                             static_cast<long long>(fs::file_size(out / name))};
    return manifest;
}

void seal_file(const fs::path& file) {
    if (::geteuid() == 0 && ::lchown(file.c_str(), 0, 0) != 0) throw_errno("give to root", file);
    if (::chmod(file.c_str(), 0444) != 0) throw_errno("set the mode of", file);
    sync_path(file);
}

/// Gathers the version's files in one folder, durably, as nobody will change them again.
void seal(const Manifest& manifest, const fs::path& out, const fs::path& folder) {
    make_folder(folder, 0755);
    for (const auto& [name, file] : manifest.files) {
        rename_new(out / name, folder / name);
        seal_file(folder / name);
    }
    write_new_file(folder / "manifest.json", to_json(manifest), 0444);
    sync_path(folder);
}

/// Never into the files of a damaged version: guests may run from them, and keep them until they stop.
const char* put_there(const fs::path& made, const fs::path& folder,
                      const std::function<bool(const fs::path&)>& is_whole) {
    if (rename_new(made, folder)) return "is new";
    if (is_whole(folder)) return "is there already";
    exchange(made, folder);
    return "was damaged, and is whole again";
}

}  // namespace

fs::path root_folder(const StoragePaths& paths, const std::string& image, const std::string& hex) {
    return fs::path(paths.state) / "roots" / image / hex;
}

fs::path switch_in(const Manifest& manifest, const fs::path& out, const fs::path& scratch, const StoragePaths& paths,
                   const BuildWork& work, const std::function<bool(const fs::path&)>& is_whole) {
    seal(manifest, out, scratch / "version");
    const auto folder = root_folder(paths, manifest.image, manifest.digest().substr(std::string("sha256:").size()));
    const auto* outcome = put_there(scratch / "version", folder, is_whole);
    work.tell(fmt::format("{} {} {}", manifest.image, manifest.digest(), outcome));
    return folder;
}

namespace {

fs::path build_in(const fs::path& scratch, const Recipe& recipe, const StoragePaths& paths, const BuildWork& work,
                  const BuildJudge& judge) {
    const auto out = scratch / "out";
    const auto packages = fetch_packages(recipe, paths.packages, work);
    unpack(packages, scratch / "packages", work);
    gather(packages, scratch / "install");
    assemble(recipe, scratch, paths, work);
    check_sealed(out, work);
    split_kernel(out / "vmlinuz", out / "initrd");
    judge.check(out / "root.squashfs");
    return switch_in(describe(recipe, packages, out), out, scratch, paths, work, judge.is_whole);
}

/// Programs that ran out of space each say so in their own words, and give it back when they end.
Error with_room(const Error& error, const fs::path& folder) {
    constexpr auto enough = 256U << 20;
    expect_room(folder);
    const auto free = fs::space(folder).available;
    if (free >= enough) return error;
    return {error.kind(),
            fmt::format("{} (with {} MiB free in {})", error.what(), free >> 20, folder.parent_path().string()),
            error.hint()};
}

}  // namespace

fs::path build_root(const Recipe& recipe, const StoragePaths& paths, const BuildWork& work, const BuildJudge& judge) {
    const auto images = fs::path(paths.state) / "roots" / recipe.name;
    make_folder(images, 0755);
    const UniqueFd lock = lock_image(images, work);
    const Scratch scratch(fs::path(paths.state) / "tmp");
    try {
        return build_in(scratch.path(), recipe, paths, work, judge);
    } catch (const Error& error) {
        throw with_room(error, scratch.path());
    }
}

}  // namespace drover
