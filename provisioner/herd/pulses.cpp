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

void Herd::ask_for_life(const std::vector<LifeQuestion>& questions) {
    {
        auto watches = watches_.lock();
        for (const LifeQuestion& question : questions) {
            const auto found = watches->find(question.id);
            if (found == watches->end()) continue;
            ++found->second.unanswered;
            found->second.services_asked = question.services;
        }
    }
    for (const LifeQuestion& question : questions) {
        if (question.anew) {
            sessions_.close(question.id);
            agenda_.add(question.id);  // who is attached is asked
            continue;
        }
        std::vector<control::FromDaemon> lines{control::Ping{sessions_.next_number()}};
        for (const std::string& service : question.services)
            lines.emplace_back(control::ServiceOrder{sessions_.next_number(), service, ServiceAct::status});
        sessions_.send(question.id, lines);
    }
}

}  // namespace drover
