#pragma once
#include <filesystem>

namespace drover::guest {

/// Loads the kernel modules of `folder` in the order of its file `order`, one name a line. One that is loaded already
/// is fine. Error{failed} naming the module otherwise.
void load_modules(const std::filesystem::path& folder);

}  // namespace drover::guest
