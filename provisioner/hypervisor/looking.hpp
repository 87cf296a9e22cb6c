#pragma once
#include <libvirt/libvirt.h>

#include <array>
#include <string>
#include <vector>

#include "hypervisor/domains.hpp"
#include "hypervisor/handles.hpp"
#include "hypervisor/known_tags.hpp"
#include "hypervisor/ownership.hpp"
#include "model/error.hpp"

/// Looking at our domains, for this room only: what libvirt says of them, as a guest's. Errors as for Domains.
namespace drover {

using Uuid = std::array<char, VIR_UUID_STRING_BUFLEN>;

/// Our domain of the guest; null when there is none. Error{refused} when it is somebody else's.
DomainHandle find(virConnectPtr connection, const Ownership& ours, GuestId id);

/// Error{not_found}: the domain is not running.
Error not_running(const std::string& name);

/// For deciding why a call failed. A domain that was never defined vanishes when it ends; one whose guest has switched
/// itself off takes no calls any more, though its QEMU is still there for a moment.
Run run_now(virDomainPtr domain, const std::string& name);

/// What a look saw, and the domain that it saw: null when there is none.
struct Look {
    DomainSeen seen;
    DomainHandle domain;
};
/// The guest's domain as it is now.
Look look_at(virConnectPtr connection, const Ownership& ours, GuestId id);

/// A domain of a list, in this state.
struct Stated {
    DomainHandle domain;
    int state = VIR_DOMAIN_NOSTATE, reason = 0;
};
/// All domains: by one question; or, of containers, by one for each, which leaves out what is gone meanwhile.
std::vector<Stated> states_at_once(virConnectPtr connection);
std::vector<Stated> states_one_by_one(virConnectPtr connection);

/// Ours of them, with what is not told with the states: which are defined, and each tag that is not known.
std::vector<DomainSeen> list_all(virConnectPtr connection, const Ownership& ours, KnownTags& tags,
                                 const std::vector<Stated>& states);

}  // namespace drover
