#pragma once
#include <string>

#include "model/guest.hpp"
#include "registry/session.hpp"

/// Heals, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// Something is done for the guest, or for a service in it, from now on.
void note_heal(Transaction& transaction, GuestId guest, const std::string& subject, const std::string& action);

/// It is gone, or somebody asks for it anew.
void forget_heals(Transaction& transaction, GuestId guest);

}  // namespace drover
