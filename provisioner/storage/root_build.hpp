#pragma once
#include <filesystem>

#include "model/unique_fd.hpp"
#include "storage/build_work.hpp"
#include "storage/paths.hpp"
#include "storage/recipe.hpp"

namespace drover {

/// Builds a version by its recipe and switches it in below state/roots/<image>/. Returns its folder there. Other
/// processes that build the same image are waited for.
std::filesystem::path build_root(const Recipe& recipe, const StoragePaths& paths, const BuildWork& work);

/// Held while versions of the image whose folder this is are made or removed, against other processes; the kernel lets
/// go of it when we die. Waits for whoever has it, as long as the budget of `work` lasts.
UniqueFd lock_image(const std::filesystem::path& folder, const BuildWork& work);

/// The folder of a version. `hex`: its digest without "sha256:".
std::filesystem::path root_folder(const StoragePaths& paths, const std::string& image, const std::string& hex);

}  // namespace drover
