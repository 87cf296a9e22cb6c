#pragma once
#include <filesystem>

#include "storage/build_work.hpp"

namespace drover {

/// Checks what a recipe made in `folder` before it becomes a version: root, kernel and initrd are there; the root is a
/// squashfs, holds the empty folder /.oldroot, and nothing that must be each guest's own (host keys, machine-id, seeds,
/// authorized keys). Error{refused} naming what is wrong.
void check_sealed(const std::filesystem::path& folder, const BuildWork& work);

}  // namespace drover
