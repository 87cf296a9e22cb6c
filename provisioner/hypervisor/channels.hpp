#pragma once
#include <string>

#include "model/unique_fd.hpp"

namespace drover {

/// Connects to the socket on which a guest's QEMU serves its control channel: a non-blocking stream socket. Bytes wait
/// in the kernel both ways when the other end does not read; it is at end of file when QEMU ends. QEMU serves one
/// connection at a time: a further one gets nothing until the former is closed.
///
/// Not through a libvirt stream: see docs/design/0004-channels.md.
///
/// Error{not_found} when nobody serves it (the domain has ended), Error{failed} otherwise, naming the path; after 1 s
/// when others are connected to it.
UniqueFd connect_channel(const std::string& path);

/// Opens the tty of a container's control channel: raw and non-blocking. It is at end of file, or in error, when the
/// container ends. Error{not_found} when it is gone, Error{failed} otherwise, naming the path.
UniqueFd open_terminal(const std::string& path);

}  // namespace drover
