#pragma once
#include <string>
#include <vector>

#include "registry/operations.hpp"
#include "registry/rows.hpp"

/// What a request takes out of a pool. Inside a transaction of the caller. For the files of this room only.
namespace drover {

/// Gives members of the pool of `pattern`'s sort to its owner: those that are parked first, then those that are off,
/// the oldest first, at most `count`. Only members that are where they should be, of the version wanted and of this
/// size. They get new names, are to be ready, and never go back. Returns the guests as they are now, and what was
/// asked for counts for the pool's demand.
std::vector<Guest> take_members(Transaction& transaction, const Guest& pattern, const std::string& size,
                                long long count);

}  // namespace drover
