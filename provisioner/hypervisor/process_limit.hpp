#pragma once
#include <sys/types.h>

#include <string>

/// How many processes and threads a container may have: the one limit that libvirt does not set. With one tree of
/// cgroups it is set in the container's own; with a hierarchy for each controller libvirt has none for processes, and
/// the container gets one below /machine. It gets another in the hierarchy called systemd, if there is one: libvirt
/// leaves all containers at its top and gives that to the user of the one that started last, and a systemd inside any
/// other could not make the groups that it needs.
namespace drover {

/// Whether this host has one tree of cgroups (version 2), not a hierarchy for each controller.
bool has_one_cgroup_tree();

/// Sees to it that all of the container but its controller, the process with this id, are in force of the limit.
/// Repeated: the same. `name` is the domain's. Error{failed} naming the file.
void limit_processes(pid_t controller, const std::string& name, int most);

/// Removes what limit_processes() made for the domain, which has ended: its last process may take a moment.
void remove_process_limit(const std::string& name);
/// The same of all domains called "<instance>-<number>" that run no more. Waits for none.
void remove_process_limits(const std::string& instance);

}  // namespace drover
