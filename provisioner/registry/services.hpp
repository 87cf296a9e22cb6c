#pragma once
#include "model/guest.hpp"
#include "registry/session.hpp"

/// Services of guests, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// The guest is ready no more: nobody knows how its services are.
void forget_services(Transaction& transaction, GuestId guest);

}  // namespace drover
