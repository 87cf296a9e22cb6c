#pragma once
#include <string>

#include "cli/console.hpp"
#include "wire/wire.hpp"

/// What guests hide of a version, as people read it: of the answers about plans and about shadows.
namespace drover::cli {

/// For a cell: "0", "3", "3, 2 copies", or "?" where it is not known.
std::string count_shadows(const wire::Json& guest);

/// One line for each path, or for why they are not known: "alice-1: /etc/motd (edited)".
void list_shadows(Console& console, const wire::Json& guests);

}  // namespace drover::cli
