#pragma once
#include <libvirt/libvirt.h>
#include <sys/types.h>

#include "hypervisor/domains.hpp"
#include "hypervisor/ownership.hpp"

/// libvirt 9.0 loses touch with a container now and then while it starts: it calls the container running for ever, and
/// knows no process of it that could be signalled. What libvirt does not know then, /proc tells. For this room only.
namespace drover {

/// Whether the guest's container has no controller any more and libvirt calls it running. For some milliseconds that is
/// so after each end; where libvirt lost touch, for ever.
bool ended_unnoticed(virConnectPtr connection, const Ownership& ours, GuestId id);

/// Sends SIGTERM to the children of this controller, which are the first processes in its container.
void terminate_children(pid_t controller);

}  // namespace drover
