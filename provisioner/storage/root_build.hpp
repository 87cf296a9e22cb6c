#pragma once
#include <filesystem>
#include <functional>

#include "model/unique_fd.hpp"
#include "storage/build_work.hpp"
#include "storage/manifest.hpp"
#include "storage/paths.hpp"
#include "storage/recipe.hpp"

namespace drover {

/// Who knows more than the recipe.
struct BuildJudge {
    std::function<void(const std::filesystem::path& root)> check;  ///< throws for a squashfs that may be no version
    std::function<bool(const std::filesystem::path& folder)> is_whole;  ///< whether a version is what was built
};

/// Seals the files of a version, which are in `out`, and switches them in, durably. Returns its folder. `scratch` is on
/// the same file system. One that is there already stays when it is whole; else the new one takes its place, and guests
/// that run from the old files keep those. The caller holds lock_image().
std::filesystem::path switch_in(const Manifest& manifest, const std::filesystem::path& out,
                                const std::filesystem::path& scratch, const StoragePaths& paths, const BuildWork& work,
                                const std::function<bool(const std::filesystem::path& folder)>& is_whole);

/// Builds a version by its recipe and switches it in below state/roots/<image>/. Returns its folder there. Other
/// processes that build the same image are waited for.
std::filesystem::path build_root(const Recipe& recipe, const StoragePaths& paths, const BuildWork& work,
                                 const BuildJudge& judge);

/// Held while versions of the image whose folder this is are made or removed, against other processes; the kernel lets
/// go of it when we die. Waits for whoever has it, as long as the budget of `work` lasts.
UniqueFd lock_image(const std::filesystem::path& folder, const BuildWork& work);

/// The folder of a version. `hex`: its digest without "sha256:".
std::filesystem::path root_folder(const StoragePaths& paths, const std::string& image, const std::string& hex);

}  // namespace drover
