#pragma once
#include <cstdint>

namespace drover {

/// The kernel's count of changes to the rules of this network namespace, by whoever; what times out is none. Any
/// thread. Error{unavailable} where the kernel does not tell.
std::uint32_t rules_generation();

}  // namespace drover
