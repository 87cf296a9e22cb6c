#pragma once
#include <libvirt/libvirt.h>
#include <sys/types.h>

/// libvirt 9.0 loses touch with a container now and then while it starts: it calls the container running for ever, and
/// knows no process of it that could be signalled. What libvirt does not know then, /proc tells. For this room only.
namespace drover {

/// Whether libvirt knows the first process of a container that it has just started: waits for that, a second at most.
/// True also for one that has ended already.
bool in_touch(virDomainPtr container);

/// Whether a container has no controller any more though libvirt called it running when the handle was got. For some
/// milliseconds that is so after each end; where libvirt lost touch, for ever.
bool ended_unnoticed(virDomainPtr container);

/// Whether a container is frozen. A libvirtd that starts anew has forgotten that it froze one: it calls it running, can
/// neither let it go on nor end it, and knows again when it is told to suspend it.
bool is_frozen(virDomainPtr container);

/// Sends SIGTERM to the children of this controller, which are the first processes in its container.
void terminate_children(pid_t controller);

}  // namespace drover
