#pragma once
#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "control/codec.hpp"
#include "herd/pace.hpp"
#include "hypervisor/domains.hpp"
#include "model/guest.hpp"
#include "model/pulse.hpp"
#include "model/step.hpp"

namespace drover {

/// What this process knows about a guest beyond its row; lost at a restart and learnt anew by looking and by PING.
struct Watch {  // NOLINT(clang-analyzer-optin.performance.Padding): in the order of what belongs together
    using Clock = std::chrono::steady_clock;

    DomainSeen domain{.run = Run::unknown};
    std::optional<Clock::time_point> starting_up;  ///< since when it is seen so
    bool look_due = true;                          ///< the hypervisor said that something changed
    std::uint64_t looks = 0;   ///< counts changes of `domain`, so that an older look never overwrites a newer one
    std::int64_t rested = -1;  ///< the revision of the row for which nothing was to be done

    bool forkable = false;                  ///< it said FORKABLE since its domain started, and nothing else
    std::optional<control::Renew> renewal;  ///< what it was told then, on the channel that it has
    bool renewed = false;                   ///< it was told so since its domain started
    std::string refusal;                    ///< why it could not be made new; empty: nothing of the kind was heard
    std::optional<control::Hello> hello;    ///< the last HELLO since its domain started
    std::string ready;                      ///< digest of the last READY since that HELLO
    std::string told;                       ///< digest of the identity sent since that HELLO
    std::string answered;                   ///< what it was told, when it last said READY to that
    std::map<std::string, ServiceStatus> services;  ///< what it said of them since that HELLO
    Clock::time_point called;  ///< when a word of it was last asked for: its channel was taken up, or it was told

    Phase phase = Phase::gone;  ///< the phase that the times below are about
    Voice answers = Voice::silent;
    Clock::time_point entered;  ///< when this process saw it enter, and of a ready one also when its answers changed
    int asked = 0;              ///< rungs of the stop ladder taken
    std::string reason;         ///< why we force it, for the fault it may end in
    bool forgiven = false;      ///< it was a fork that did not work: its next start, a cold one, is its first
    Pace pace;
    std::optional<Clock::time_point> set_out;      ///< on its way to ready
    Clock::time_point retry_at;                    ///< not before this, after a failure
    bool postponed = false;                        ///< its step waits for space on a disk
    std::optional<Clock::time_point> ready_since;  ///< seen ready by this process; losing touch does not end it
    bool ran = false;                              ///< this process saw it run while it was ready
    Clock::time_point first_word;                  ///< of the words that hear() counts
    int words = 0;

    std::optional<Clock::time_point> heard;   ///< the last word of it
    Clock::time_point quiet_since;            ///< that, or since when a word of it can be expected
    std::vector<std::string> services_asked;  ///< of these it was asked how they are, and did not answer yet
    int unanswered = 0;                       ///< how often it was asked for its life since
    std::optional<GuestLevels> levels;
    Clock::time_point resume_said;  ///< when it was last told that it was resumed

    /// A word of it, whatever it says.
    void note_life(Clock::time_point now) {
        heard = quiet_since = now;
        unanswered = 0;
    }

    void see(DomainSeen seen, Clock::time_point now) {
        domain = std::move(seen);
        if (!domain.starting_up)
            starting_up.reset();
        else if (!starting_up)
            starting_up = now;
    }

    /// It is looked at: what was not running owes no word for that time.
    void note_run(Clock::time_point now) {
        const bool runs = domain.run == Run::running;
        if (!runs || phase != Phase::ready) {
            quiet_since = now;
            unanswered = 0;
        }
        ran = phase == Phase::ready && (ran || runs);
    }

    /// Once a minute: a full disk may pause it every second.
    [[nodiscard]] bool may_tell_of_resume(Clock::time_point now) {
        const bool may = resume_said == Clock::time_point{} || now - resume_said >= std::chrono::minutes(1);
        if (may) resume_said = now;
        return may;
    }

    /// Something changed: what is being looked at just now may be from before.
    void expect_look() {
        look_due = true;
        ++looks;
    }

    /// Notes the phase of the row; a new one starts its clock.
    void note_phase(Phase current, Clock::time_point now) {
        if (current != Phase::ready) {
            ready_since.reset();
            ran = false;
        }
        if (current == Phase::ready && !ready_since) ready_since = now;
        if (phase == current) return;
        phase = current;
        entered = quiet_since = now;
        unanswered = 0;
        asked = 0;
    }

    /// Notes how it answers; a change of a ready guest starts its clock.
    void note_voice(Voice current, Clock::time_point now) {
        if (answers == current) return;
        answers = current;
        if (phase == Phase::ready) entered = now;
    }

    /// When a word of the guest may be looked into: a burst of them at once, then only the newest when that time is
    /// over. So what a guest says in a flood moves its row, the events and the log no faster than an honest one does.
    [[nodiscard]] Clock::time_point hear(Clock::time_point now) {
        constexpr int burst = 16;
        constexpr auto span = std::chrono::seconds(10);
        if (now - first_word >= span) {
            first_word = now;
            words = 0;
        }
        return ++words <= burst ? now : first_word + span;
    }

    /// Forgets what was said: its domain starts anew or is off.
    void forget_voice() {
        forkable = false;
        hello.reset();
        ready.clear();
        told.clear();
        answered.clear();
        services.clear();
    }

    /// Of a service; a guest has no more of them than a profile can tell it.
    void hear_service(const control::ServiceState& said) {
        constexpr std::size_t most_services = 64;
        if (services.size() < most_services) services[said.name] = said.status;
    }

    /// Whether it was asked how that service is; what it says beyond that moves nothing.
    [[nodiscard]] bool take_asked(const std::string& service) {
        const auto found = std::find(services_asked.begin(), services_asked.end(), service);
        if (found == services_asked.end()) return false;
        services_asked.erase(found);
        return true;
    }

    /// Its domain starts: whatever was said was another's.
    void begin_anew() {
        forget_voice();
        renewal.reset();
        renewed = false;
        refusal.clear();
        forgiven = false;
        words = 0;
        levels.reset();
    }

    /// It waits at its fork point. Said again before it did what it was told: nothing new.
    void hear_forkable() {
        if (renewal) return;
        forget_voice();
        forkable = true;
    }

    /// It is up. A fork that says so under the boot id that it was given does what it was told with that.
    void hear_hello(const control::Hello& said) {
        if (!renewal || said.boot_id != renewal->boot_id) forget_voice();
        if (renewal) renewal->n = 0;  // it was done
        hello = said;
    }

    /// Whether its row may have to follow the message: it tells how the guest is, and not what is known.
    [[nodiscard]] bool is_news(const control::FromGuest& message) const {
        if (const auto* said = std::get_if<control::Ready>(&message))
            return phase != Phase::ready || answers != Voice::ready || said->digest != ready || !told.empty();
        return std::holds_alternative<control::Hello>(message) || std::holds_alternative<control::Err>(message) ||
               std::holds_alternative<control::Forkable>(message);
    }

    /// HELLO, READY or FORKABLE.
    void take(const control::FromGuest& message) {
        if (const auto* hello_said = std::get_if<control::Hello>(&message)) hear_hello(*hello_said);
        if (std::holds_alternative<control::Forkable>(message)) hear_forkable();
        if (const auto* said = std::get_if<control::Ready>(&message)) {
            ready = said->digest;
            if (!told.empty()) answered = std::exchange(told, {});  // whatever the answer
        }
    }

    /// How the last words compare with the identity that the registry would tell it now.
    [[nodiscard]] Voice voice(const std::string& digest) const {
        if (!ready.empty() && ready == digest) return Voice::ready;
        if (!told.empty() && told == digest) return Voice::told;
        if (!ready.empty()) return Voice::outdated;
        if (hello) return Voice::hello;
        return forkable ? Voice::forkable : Voice::silent;
    }
};

}  // namespace drover
