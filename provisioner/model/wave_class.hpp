#pragma once
#include <optional>

#include "model/guest.hpp"
#include "model/step.hpp"
#include "model/wave_policy.hpp"

/// Which steps load the host, and when their slot is free again, by the row alone: so slots survive a kill. Pure.
namespace drover {

/// How a slot ends.
enum class Ending { done, failed, timed_out };

/// The class of the slot that `step` of `guest` needs; none: it loads nothing (adopt, resume, force, retire ...), or
/// it goes on with what has its slot.
std::optional<WaveClass> class_of(const Guest& guest, Step step);

/// The class of the slot that `guest` has by its phase: it is starting or stopping. None: it has no slot. A restart
/// or upgrade between its stop and its start is not known from others that wait to be started.
std::optional<WaveClass> class_in_flight(const Guest& guest);

/// How the slot of `guest` ends by its row as it is now: it is where it should be, or it has more attempts than
/// `attempts`, as many as it had when it got the slot. None: it still needs it.
std::optional<Ending> ending_of(const Guest& guest, int attempts);

}  // namespace drover
