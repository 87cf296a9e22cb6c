#pragma once
#include <initializer_list>

#include "model/unique_fd.hpp"

namespace drover {

/// Gives the calling thread a file table of its own, in which nothing is open but standard streams and what is `kept`,
/// under the numbers it had. The limit of open files counts for each table. Where the system refuses, the thread goes
/// on in the process's table.
void own_file_table(std::initializer_list<int> kept);

/// Sends a copy of a descriptor to whoever reads at the other end of `socket`, be it in another file table. False: too
/// many are on their way, try again.
bool give(const UniqueFd& socket, const UniqueFd& descriptor);
/// The next descriptor that was sent, in the table of the calling thread; none when there is none.
UniqueFd take(const UniqueFd& socket);

}  // namespace drover
