#pragma once
#include <string>

namespace drover {

/// Compares `text` with tests/golden/<name>. DROVER_ACCEPT_GOLDEN=1 in the environment writes the file instead.
void expect_golden(const std::string& name, const std::string& text);

}  // namespace drover
