#pragma once
#include "cli/console.hpp"
#include "wire/wire.hpp"

namespace drover::cli {

/// Writes what a doctor found, what bites most first for people and the answer as it is for programs. Returns the exit
/// code: 0 where nothing bites.
int print_diagnoses(Console& console, const wire::Json& diagnoses, bool json);

}  // namespace drover::cli
