#pragma once
#include <filesystem>

#include "storage/build_work.hpp"
#include "storage/paths.hpp"
#include "storage/recipe.hpp"

namespace drover {

/// Builds a version by its recipe and switches it in below state/roots/<image>/. Returns its folder there. Other
/// processes that build the same image are waited for.
std::filesystem::path build_root(const Recipe& recipe, const StoragePaths& paths, const BuildWork& work);

/// The folder of a version. `hex`: its digest without "sha256:".
std::filesystem::path root_folder(const StoragePaths& paths, const std::string& image, const std::string& hex);

}  // namespace drover
