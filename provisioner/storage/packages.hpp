#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "storage/build_work.hpp"
#include "storage/recipe.hpp"

namespace drover {

/// A Debian package in the cache.
struct Package {
    std::string name, version;
    std::filesystem::path file;
    bool installed = false;  ///< by the packages' own scripts, instead of being unpacked
};

/// All packages of a recipe: those whose files go in, its kernel, and those to be installed with all that they depend
/// on, as apt would choose for an empty system. Fetched by apt-get into `cache` (made when absent), with apt's own
/// checks; what the cache holds already in the version that apt would install is taken from there without the network.
/// When nothing can be fetched, the newest version in the cache is taken, and `work` is told so. Error{failed} naming a
/// package that can be had neither way.
std::vector<Package> fetch_packages(const Recipe& recipe, const std::filesystem::path& cache, const BuildWork& work);

}  // namespace drover
