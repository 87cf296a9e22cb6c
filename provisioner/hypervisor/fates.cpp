#include "hypervisor/fates.hpp"

namespace drover {

void Fates::note(GuestId id, DomainEvent event) {
    if (event == DomainEvent::other) return;
    auto known = fates_.lock();
    if (event == DomainEvent::undefined) {
        known->erase(id);
        return;
    }
    auto& fate = known->try_emplace(id, Fate::runs).first->second;
    if (event == DomainEvent::started)
        fate = Fate::runs;
    else if (fate != Fate::buried)
        fate = event == DomainEvent::died ? Fate::died : Fate::ended;
}

void Fates::bury(GuestId id) { (*fates_.lock())[id] = Fate::buried; }

void Fates::forget_all() { fates_.lock()->clear(); }

bool Fates::complete(DomainSeen& seen) {
    auto known = fates_.lock();
    if (seen.run != Run::off) {
        known->try_emplace(seen.id, Fate::runs);
        return true;
    }
    const auto fate = known->find(seen.id);
    if (fate == known->end()) return true;
    if (fate->second == Fate::died) seen.powered_off_itself = false;
    if (fate->second == Fate::buried) seen.powered_off_itself = true;
    return fate->second != Fate::runs;
}

}  // namespace drover
