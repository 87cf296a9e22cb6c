#pragma once
#include <string>
#include <string_view>

#include "guest/keep.hpp"
#include "model/profile.hpp"

namespace drover::guest {

/// What the kernel command line tells the guest's first program.
struct KernelLine {
    Profile profile;          ///< its paths and services only
    Keep keep{};              ///< of a rebuild
    bool probe = false;       ///< power off at once: the host wants to see whether its accelerator works
    std::string template_{};  ///< the fork point that it waits at: "early" or "ready"; empty: it is no template
    std::string version{};    ///< the digest of the root; empty: not told

    bool operator==(const KernelLine&) const = default;
};

/// Reads `drover.persistent=`, `drover.merged=`, `drover.volatile=` (paths divided by commas), `drover.keep=` (a number
/// and paths), `drover.probe`, `drover.template=`, `droverd.version=` and `droverd.services=`, so called because a
/// guest's end refuses a word that begins with "drover." and is unknown to it, and older ones know neither. Other words
/// are other people's. Error{usage} for an unknown one or a path that is not absolute and plain.
KernelLine parse_kernel_line(std::string_view text);

}  // namespace drover::guest
