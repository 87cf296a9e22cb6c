#pragma once
#include <cstdint>
#include <string>

namespace drover::guest {

/// `OK n`, as a line.
std::string ok(std::uint32_t n);
/// `ERR n text`, as a line: an error's text may come from anywhere, so it is cut and made fit for one.
std::string err(std::uint32_t n, std::string text);

}  // namespace drover::guest
