// The lives of guests, for who watches over them.
#include <fmt/format.h>

#include "herd/herd.hpp"

namespace drover {
namespace {

using Clock = Agenda::Clock;

Pulse pulse_of(GuestId id, const Watch& watch) {
    return {.id = id,
            .phase = watch.phase,
            .run = watch.domain.run,
            .heard = watch.heard,
            .ready_since = watch.ready_since,
            .quiet_since = watch.quiet_since,
            .unanswered = watch.unanswered,
            .levels = watch.levels};
}

}  // namespace

void Herd::for_each_pulse(const std::function<void(const Pulse&)>& take) {
    auto watches = watches_.lock();
    for (const auto& [id, watch] : *watches) take(pulse_of(id, watch));
}

std::optional<Pulse> Herd::pulse(GuestId id) {
    auto watches = watches_.lock();
    const auto found = watches->find(id);
    return found == watches->end() ? std::nullopt : std::optional(pulse_of(id, found->second));
}

void Herd::ask_for_life(const std::vector<GuestId>& ids, const std::vector<GuestId>& anew) {
    {
        auto watches = watches_.lock();
        for (const auto* some : {&ids, &anew})
            for (const GuestId id : *some)
                if (const auto found = watches->find(id); found != watches->end()) ++found->second.unanswered;
    }
    for (const GuestId id : ids) sessions_.send(id, {control::Ping{sessions_.next_number()}});
    for (const GuestId id : anew) {
        sessions_.close(id);
        agenda_.add(id);  // who is attached is asked
    }
}

}  // namespace drover
