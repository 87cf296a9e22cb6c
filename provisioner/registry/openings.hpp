#pragma once
#include <string>

#include "model/guest.hpp"
#include "registry/session.hpp"

namespace drover {

/// All that is open of the guest is closed, with an event each; inside a transaction of the caller. For the files of
/// this room only.
void close_all(Transaction& transaction, const Guest& guest, const std::string& why);

}  // namespace drover
