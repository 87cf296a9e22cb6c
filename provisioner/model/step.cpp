#include "model/step.hpp"

#include <algorithm>

#include "model/step_table.hpp"

namespace drover {
namespace {

/// It speaks, and not as it should. Who says nothing is watched over elsewhere: health/rules.hpp.
bool is_somebody_else(Voice voice) {
    return voice == Voice::hello || voice == Voice::forkable || voice == Voice::outdated;
}

bool holds(Sight sight, const Guest& guest, const Seen& seen) {
    switch (sight) {
        case Sight::always: return true;
        case Sight::powered_off_itself:
            return seen.powered_off_itself && guest.desired == Desired::ready && !guest.stale();
        case Sight::said_hello: return seen.voice == Voice::hello;
        case Sight::estranged: return is_somebody_else(seen.voice) && seen.overdue > 0;
    }
    return false;
}

bool holds(Guard guard, const Guest& guest, const Seen& seen) {
    switch (guard) {
        case Guard::always: return true;
        case Guard::copy_owed: return guest.copy;
        case Guard::unbuilt: return guest.have.overlay != guest.want.overlay;
        case Guard::stale: return guest.stale();
        case Guard::agreed: return seen.voice == Voice::ready;
        case Guard::answering: return seen.voice != Voice::silent && seen.voice != Voice::told;
        case Guard::outdated: return seen.voice == Voice::outdated;
        case Guard::overdue: return seen.overdue > 0;
        case Guard::first_rung: return seen.overdue == 0 && seen.asked == 0;
        case Guard::second_rung: return seen.overdue == 1 && seen.asked <= 1;
        case Guard::last_rung: return seen.overdue >= 2;
    }
    return false;
}

Desired column_of(const Guest& guest) {
    const bool may_run = guest.desired == Desired::ready || guest.desired == Desired::parked;
    return guest.fault && may_run ? Desired::stopped : guest.desired;
}

}  // namespace

std::optional<Correction> correct(const Guest& guest, const Seen& seen) {
    for (const CorrectionRow& row : corrections) {
        if (row.run == seen.run && row.phases.contains(guest.phase) && holds(row.sight, guest, seen)) {
            return row.correction;
        }
    }
    return std::nullopt;
}

Guest corrected(Guest guest, const Correction& correction, const Seen& seen, Time now) {
    if (correction.phase) {
        guest.phase = *correction.phase;
        guest.since = now;
    }
    if (correction.desired_stopped) guest.desired = Desired::stopped;
    if (correction.failed) guest.attempts = seen.proven ? 1 : guest.attempts + 1;
    if (correction.take_over) guest.have = seen.live;
    return guest;
}

Step next_step(const Guest& guest, const Seen& seen) {
    if (seen.run == Run::unknown) return Step::none;
    for (const Rule& rule : cell_of(guest.phase, column_of(guest))) {
        if (holds(rule.guard, guest, seen)) return rule.step;
    }
    return Step::none;
}

bool exhausted(const Guest& guest, int attempts_allowed) { return !guest.fault && guest.attempts >= attempts_allowed; }

}  // namespace drover
