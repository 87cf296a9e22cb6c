#pragma once
#include <map>

#include "hypervisor/connection.hpp"
#include "hypervisor/domains.hpp"
#include "model/sync.hpp"

namespace drover {

/// What became of each domain's last run, as libvirt's events tell. The state of a container tells only that it is off:
/// the event tells why, some milliseconds later. Any thread. For this room only.
class Fates {
  public:
    /// An event came.
    void note(GuestId id, DomainEvent event);
    /// We ended it, because libvirt did not notice its end.
    void bury(GuestId id);
    /// The hypervisor began anew.
    void forget_all();
    /// Puts into `seen` whether it powered itself off. False while it is not known yet why the domain is off.
    bool complete(DomainSeen& seen);

  private:
    enum class Fate { runs, ended, died, buried };
    Synchronized<std::map<GuestId, Fate>> fates_;
};

}  // namespace drover
