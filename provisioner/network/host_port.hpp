#pragma once
#include "model/opening.hpp"

namespace drover {

/// Whether nobody on this host listens on the port, of whatever address: tried by taking it for a moment.
bool is_free_on_host(const ServicePort& port);

}  // namespace drover
