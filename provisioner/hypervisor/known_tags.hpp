#pragma once
#include <libvirt/libvirt.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "hypervisor/domains.hpp"
#include "model/sync.hpp"

namespace drover {

/// What the tags of domains said, so that a look at all of them asks only for those that may have changed: a tag stays
/// as it is until its domain starts anew, which libvirt numbers, or we define it anew. Any thread.
class KnownTags {
  public:
    struct Tag {
        int run = -1;  ///< the number of the domain's run, -1: off
        Make make;
        std::string name;
    };
    /// What was known at one moment.
    struct Table {
        std::unordered_map<GuestId, Tag> tags;
        std::uint64_t changes = 0;
    };

    static int run_of(virDomainPtr domain) { return static_cast<int>(virDomainGetID(domain)); }

    [[nodiscard]] Table table() const { return *table_.lock(); }

    /// Takes what a look that began with `table` found; not when it may be outdated already.
    void keep(Table table) {
        auto held = table_.lock();
        if (held->changes == table.changes) held->tags = std::move(table.tags);
    }

    void forget(GuestId id) {
        auto held = table_.lock();
        held->tags.erase(id);
        ++held->changes;
    }

    void forget_all() {
        auto held = table_.lock();
        held->tags.clear();
        ++held->changes;
    }

  private:
    mutable Synchronized<Table> table_;
};

/// Completes `seen` when the tag of this run is known.
inline bool complete_from(const KnownTags::Table& known, DomainSeen& seen, int run) {
    const auto found = known.tags.find(seen.id);
    if (found == known.tags.end() || found->second.run != run) return false;
    seen.live = found->second.make;
    seen.name = found->second.name;
    return true;
}

}  // namespace drover
