#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace drover {

/// How an image is made: images/<name>/image.yaml, and the program `assemble` beside it.
struct Recipe {
    std::string name, description;
    std::vector<std::string> packages;  ///< names of Debian packages whose files go in
    std::vector<std::string> install;   ///< of Debian packages to be installed, with all that they depend on
    std::string kernel_package;         ///< a kernel, or the package that stands for the newest one; may be empty
    std::string kernel_parameters;
    long long memory = 0;              ///< bytes that a guest needs at least
    std::string profile;               ///< for guests that name none
    std::string fork_point = "early";  ///< or "ready"
    std::filesystem::path assemble;    ///< assemble PACKAGES OUT GUEST_END
};

/// Reads the recipe in `folder`, whose name is the image's. Error{not_found} when there is none, Error{usage} naming
/// file, line and value.
Recipe read_recipe(const std::filesystem::path& folder);

}  // namespace drover
