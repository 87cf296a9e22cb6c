#include "storage/roots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "model/error.hpp"
#include "model/names.hpp"
#include "storage/accounts.hpp"
#include "storage/build_work.hpp"
#include "storage/digest.hpp"
#include "storage/durable.hpp"
#include "storage/manifest.hpp"
#include "storage/root_build.hpp"
#include "storage/sbom.hpp"

namespace drover {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view algorithm = "sha256:";

bool is_hex_digest(std::string_view text) {
    return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// The digits alone. Error{usage} when it is no digest.
std::string hex_of(const std::string& digest) {
    const auto hex = digest.starts_with(algorithm) ? digest.substr(algorithm.size()) : "";
    if (is_hex_digest(hex)) return hex;
    throw Error(ErrorKind::usage, fmt::format("'{}' is no digest", digest), "sha256:<64 hex digits>");
}

bool is_whole(const fs::path& file, const Manifest::File& expected) {
    std::error_code error;
    return fs::is_regular_file(file, error) && static_cast<long long>(fs::file_size(file, error)) == expected.bytes;
}

/// Error{failed} when a file of the version in `folder` is missing or cut short.
void check_files(const fs::path& folder, const Manifest& manifest) {
    for (const auto& [name, file] : manifest.files)
        if (!is_whole(folder / name, file))
            throw Error(ErrorKind::failed, fmt::format("{} is missing or cut short", (folder / name).string()));
}

/// The version that `manifest` describes, in `folder`, whose name is its digest.
Version version_of(const fs::path& folder, const Manifest& manifest) {
    const auto path_of = [&](std::string_view name) -> std::string {
        return manifest.files.contains(std::string(name)) ? folder / name : fs::path();
    };
    Version version{.digest = manifest.digest(),
                    .image = manifest.image,
                    .root = path_of("root.squashfs"),
                    .kernel = path_of("vmlinuz"),
                    .initrd = path_of("initrd"),
                    .disk = path_of(cloud_disk),
                    .parameters = manifest.kernel_parameters,
                    .profile = manifest.profile,
                    .fork_point = manifest.fork_point,
                    .memory = manifest.memory};
    if (version.digest != fmt::format("{}{}", algorithm, folder.filename().string()))
        throw Error(ErrorKind::failed, fmt::format("{} holds another version, {}", folder.string(), version.digest));
    for (const auto& [name, file] : manifest.files) version.bytes += file.bytes;
    return version;
}

Version version_in(const fs::path& folder) {
    const auto manifest = read_manifest(folder);
    check_files(folder, manifest);
    return version_of(folder, manifest);
}

/// The folders of versions, by image and digest.
std::vector<fs::path> version_folders(const fs::path& state) {
    std::vector<fs::path> folders;
    for (const auto& image : entries_of(state / "roots"))
        for (const auto& folder : entries_of(image))
            if (is_hex_digest(folder.filename().string())) folders.push_back(folder);
    return folders;
}

/// What makes a version anew.
std::string remedy_for(const fs::path& folder) {
    const auto image = folder.parent_path().filename().string();
    if (is_cloud_folder(folder)) return fmt::format("drover image add {} FILE --cloud-init makes it anew", image);
    return fmt::format(
        "drover image build {} makes it anew; where its packages have changed and that makes another "
        "version: drover image promote, drover upgrade",
        image);
}

std::string damaged_text(const fs::path& folder, const std::string& damage) {
    return fmt::format("version {}{} of '{}' is damaged: {}", algorithm, folder.filename().string(),
                       folder.parent_path().filename().string(), damage);
}

}  // namespace

Roots::Roots(StoragePaths paths, const std::function<void(const std::string&)>& tell)
    : paths_(std::move(paths)), trust_([tell](const fs::path& folder, const std::string& damage) {
          if (tell) tell(damaged_text(folder, damage));
      }) {
    const fs::path state = paths_.state = fs::absolute(paths_.state).lexically_normal();
    make_folders(state.parent_path());
    make_folder(state, 0711);  // QEMU's user must get through, and see nothing
    make_folder(state / "roots", 0755);
    make_folder(state / "tmp", 0700);
}

std::vector<std::string> Roots::recipes() const {
    std::set<std::string> names;
    for (const auto& folder : {paths_.images, paths_.own_images}) {
        if (!fs::is_directory(folder)) continue;
        for (const auto& path : entries_of(folder))
            if (fs::is_regular_file(path / "image.yaml")) names.insert(path.filename());
    }
    return {names.begin(), names.end()};
}

Version Roots::build(const std::string& image, const std::function<void(const std::string&)>& progress,
                     std::chrono::seconds budget, const std::vector<std::string>& earlier) {
    const BuildWork work(progress, budget);
    return builds_.run(
        image, [&] { return build_alone(image, work, earlier); },
        [&] { work.tell("this image is being built already: waiting for that"); });
}

Version Roots::build_alone(const std::string& image, const BuildWork& work, const std::vector<std::string>& earlier) {
    check_plain_name("image", image);
    if (has_versions(image, true))
        throw Error(ErrorKind::refused, fmt::format("'{}' is a cloud image", image), "give the recipe another name");
    const auto own = fs::path(paths_.own_images) / image;
    const auto recipe = read_recipe(fs::is_regular_file(own / "image.yaml") ? own : fs::path(paths_.images) / image);
    try {
        const BuildJudge judge{
            .check =
                [&](const fs::path& root) {
                    for (const auto& one : roots_of(image, earlier)) check_accounts(one, root, image, work);
                },
            .is_whole = [this](const fs::path& folder) { return trust_.read(folder).damage.empty(); }};
        const auto folder = build_root(recipe, paths_, work, judge);
        return version(image, fmt::format("{}{}", algorithm, folder.filename().string()));
    } catch (const Error& error) {
        throw error.within("build " + image);
    }
}

Version Roots::add(const CloudImage& cloud, const std::function<void(const std::string&)>& progress,
                   std::chrono::seconds budget) {
    expect_addable(cloud);
    const auto folder = add_cloud_image(cloud, paths_, BuildWork(progress, budget),
                                        [this](const fs::path& there) { return trust_.read(there).damage.empty(); });
    return version(cloud.image, fmt::format("{}{}", algorithm, folder.filename().string()));
}

/// The versions of an image are of one kind, or its guests could be moved between them.
void Roots::expect_addable(const CloudImage& cloud) const {
    check_plain_name("image", cloud.image);
    const auto known = recipes();
    if (std::find(known.begin(), known.end(), cloud.image) != known.end() || has_versions(cloud.image, false))
        throw Error(ErrorKind::refused, fmt::format("'{}' is an image that is built by a recipe", cloud.image),
                    "choose another name");
    expect_cloud_image(cloud.file);
}

bool Roots::has_versions(const std::string& image, bool cloud) const {
    const auto all = version_folders(paths_.state);
    return std::any_of(all.begin(), all.end(), [&](const fs::path& folder) {
        return folder.parent_path().filename() == image && is_cloud_folder(folder) == cloud;
    });
}

/// Those that are there and what was built.
std::vector<EarlierRoot> Roots::roots_of(const std::string& image, const std::vector<std::string>& digests) const {
    std::vector<EarlierRoot> roots;
    for (const auto& digest : digests) {
        try {
            roots.push_back({digest, version(image, digest).root});
        } catch (const Error&) {
            continue;  // nobody can be upgraded from it as it is
        }
    }
    return roots;
}

std::string Roots::existing_folder(const std::string& image, const std::string& digest) const {
    check_plain_name("image", image);
    const auto folder = root_folder(paths_, image, hex_of(digest));
    if (fs::exists(folder)) return folder;
    throw Error(ErrorKind::not_found, fmt::format("no version {} of image {}", digest, image),
                fmt::format("build it: drover image build {}", image));
}

Version Roots::version(const std::string& image, const std::string& digest) const {
    const auto folder = existing_folder(image, digest);
    const auto reading = trust_.of(folder);
    if (reading.damage.empty()) return version_of(folder, *reading.manifest);
    throw Error(ErrorKind::refused, damaged_text(folder, reading.damage), remedy_for(folder));
}

std::string Roots::root_of(const std::string& image, const std::string& digest) const {
    return root_folder(paths_, image, hex_of(digest)) / "root.squashfs";
}

std::vector<Version> Roots::versions() const {
    std::vector<Version> versions;
    for (const auto& folder : version_folders(paths_.state)) {
        try {
            versions.push_back(version_in(folder));
        } catch (const Error&) {
            continue;  // as promised: version() tells what is wrong with it
        }
    }
    return versions;
}

std::vector<std::pair<std::string, std::string>> Roots::packages(const Version& version) const {
    return read_manifest(fs::path(version.root).parent_path()).packages;
}

std::string Roots::sbom(const std::string& image, const std::string& digest) const {
    const auto manifest = read_manifest(existing_folder(image, digest));
    if (!manifest.is_cloud()) return sbom_of(manifest);
    throw Error(ErrorKind::refused, fmt::format("'{}' is a cloud image: nobody said what is in it", image));
}

/// Out of sight by a rename first: a version is there whole or not at all.
void Roots::remove(const std::string& image, const std::string& digest) {
    check_plain_name("image", image);
    const auto hex = hex_of(digest);
    const auto folder = root_folder(paths_, image, hex);
    if (!fs::exists(folder)) return;
    const auto lock = lock_image(folder.parent_path(), BuildWork({}, std::chrono::minutes(20)));
    const auto aside = fs::path(paths_.state) / "tmp" / fmt::format("removed-{}-{}", image, hex);
    remove_tree(aside);  // of a removal that was cut short
    rename_new(folder, aside);
    remove_tree(aside);
    trust_.forget(folder);
}

std::optional<std::string> Roots::verify(const std::string& image, const std::string& digest) {
    const auto damage = trust_.read(existing_folder(image, digest)).damage;
    return damage.empty() ? std::nullopt : std::optional(damage);
}

void Roots::read_all(const std::function<void()>& pause) {
    for (const auto& folder : version_folders(paths_.state)) {
        try {
            if (!trust_.knows(folder)) trust_.read(folder, pause);
        } catch (const Error&) {
            continue;  // the disk does not give it: who needs it is told
        }
    }
}

void Roots::sweep() const {
    for (const auto& path : entries_of(fs::path(paths_.state) / "tmp")) remove_tree(path);
}

}  // namespace drover
