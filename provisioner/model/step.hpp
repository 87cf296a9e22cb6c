#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/guest.hpp"

/// The heart: one table moves every guest. Everything here is pure: no I/O, no clock, no locks.
namespace drover {

/// One idempotent move. `none`: nothing to do now.
enum class Step { none, build, copy, start, identify, park, adopt, resume, stop, press, force, retire };

std::string_view to_text(Step step);

/// What the hypervisor says about a guest's domain.
enum class Run {
    unknown,  ///< host unreachable, or not looked at yet: no step, absence of evidence frees nothing
    off,      ///< no domain, or not running
    running,
    paused,
};

/// What the guest last said on its control channel since its domain started.
enum class Voice {
    silent,    ///< nothing yet
    forkable,  ///< FORKABLE: a fork that waits to be made new
    hello,     ///< HELLO: up, without an identity told by us
    told,      ///< its identity was sent, READY is awaited
    outdated,  ///< READY with another identity than the registry's
    ready,     ///< READY with the registry's identity
};

/// All that a decision needs to know beyond the row.
struct Seen {
    Run run = Run::unknown;
    Voice voice = Voice::silent;
    bool powered_off_itself = false;  ///< it is off, by its own orderly shutdown
    bool proven = false;              ///< ready for so long (10 minutes) that earlier failures are forgotten
    Make live;                        ///< running: version, overlay and boot from the live domain's tag
    int overdue = 0;                  ///< how many of its phase's timeouts have passed
    int asked = 0;                    ///< how many rungs of the stop ladder were taken in this phase
};

/// What is seen corrects the phase: one row of the table of corrections.
struct Correction {
    std::optional<Phase> phase{};  ///< what the phase really is
    bool desired_stopped = false;  ///< it powered itself off: that is what its user wants
    bool failed = false;           ///< attempts + 1; anew from 1 when it was proven
    bool take_over = false;        ///< `have` is what the live domain's tag says
    Step step = Step::none;        ///< forced on the domain whatever is desired
    std::string_view why{};        ///< for the event log
};

/// The correction that `seen` calls for; nothing for most.
std::optional<Correction> correct(const Guest& guest, const Seen& seen);

/// The row after a correction, its phase entered at `now`.
Guest corrected(Guest guest, const Correction& correction, const Seen& seen, Time now);

/// The one next step of a guest whose phase has been corrected. A faulted guest takes only the steps of the columns
/// stopped and gone.
Step next_step(const Guest& guest, const Seen& seen);

/// Whether `attempts` failed tries are enough to give up: fall back to the good version, or fault.
bool exhausted(const Guest& guest, int attempts_allowed);

/// The table as Markdown, as printed into docs/design/step-table.md: corrections first, then phase by desired.
std::string print_step_table();

}  // namespace drover
