#pragma once
#include <filesystem>

namespace drover {

/// Moves a kernel out of its file into the front of the initrd, and leaves a few instructions that fetch it from there.
///
/// QEMU reads the file of the kernel into memory of its own and keeps it for as long as the guest lives, because a
/// restart from within boots from it again: 14 MiB for each guest. It maps the file of the initrd, which all guests
/// then share. The two files boot only together, by the 32-bit entry of the Linux x86 boot protocol
/// (Documentation/arch/x86/boot.rst: ramdisk_image, ramdisk_size, setup_sects). Anything that is no kernel of
/// protocol 2.10 or later that is loaded at 1 MiB and can be moved, or whose initrd is empty, stays as it is, as does
/// one that was split.
///
/// Both files are written anew. Error{failed} when they cannot be.
void split_kernel(const std::filesystem::path& kernel, const std::filesystem::path& initrd);

}  // namespace drover
