#pragma once
#include <string>

#include "cli/console.hpp"

namespace drover::cli {

/// Writes a consistent copy of the registry to a new file, which appears there whole or not at all. Error{refused} when
/// it exists.
int keep_registry(Context& context, const std::string& path);

}  // namespace drover::cli
