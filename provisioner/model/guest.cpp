#include "model/guest.hpp"

#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<Kind, 2> kinds{"kind", {"vm", "container"}};
constexpr Words<Phase, all_phases.size()> phases{
    "phase", {"reserved", "stopped", "starting", "parked", "ready", "stopping", "gone"}};
constexpr Words<Autostart, 3> autostarts{"autostart", {"last", "always", "never"}};
constexpr Words<Desired, all_desired.size()> desires{"desired state", {"stopped", "parked", "ready", "gone"}};

}  // namespace

std::string_view to_text(Kind kind) { return kinds.text(kind); }
std::string_view to_text(Phase phase) { return phases.text(phase); }
std::string_view to_text(Desired desired) { return desires.text(desired); }
std::string_view to_text(Autostart autostart) { return autostarts.text(autostart); }
Kind parse_kind(std::string_view text) { return kinds.parse(text); }
Phase parse_phase(std::string_view text) { return phases.parse(text); }
Desired parse_desired(std::string_view text) { return desires.parse(text); }
Autostart parse_autostart(std::string_view text) { return autostarts.parse(text); }

bool Guest::settled() const {
    if (fault) return false;
    switch (desired) {
        // A stopped guest takes over a new version or boot number when it starts: only its disk is due now.
        case Desired::stopped: return phase == Phase::stopped && !copy && have.overlay == want.overlay;
        case Desired::parked: return phase == Phase::parked;
        case Desired::ready: return phase == Phase::ready && !stale();
        case Desired::gone: return phase == Phase::gone;
    }
    return false;
}

}  // namespace drover
