// What the herd knows beyond its rows: how the domains are, and what the guests say.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "herd/herd.hpp"

namespace drover {
namespace {

using Clock = Agenda::Clock;

constexpr auto proven_after = std::chrono::minutes(10);
constexpr Duration longest_call_interval = std::chrono::seconds(10);
constexpr int calls_before_timeout = 10;
constexpr Duration longest_start_patience = std::chrono::minutes(1);
constexpr Duration adopted_call_interval = std::chrono::seconds(1);

bool should_talk(Phase phase) { return phase == Phase::starting || phase == Phase::ready || phase == Phase::stopping; }

/// Whether its word is what its way to ready waits for.
bool owes_word(const Guest& guest, const Watch& watch) {
    return guest.phase != Phase::stopping && should_talk(guest.phase) && watch.domain.run == Run::running &&
           watch.answers != Voice::ready;
}

GuestLevels levels_of(const control::Levels& said) {
    const Time heard = now();
    return {.heard = heard,
            .ahead = Duration(said.time) - heard.time_since_epoch(),
            .disk_used = said.disk_used,
            .disk_size = said.disk_size,
            .memory_free = said.memory_free,
            .memory_size = said.memory_size};
}

}  // namespace

void Herd::look_at_all() {
    parts_.prepare_host();
    std::unordered_map<GuestId, std::uint64_t> known;
    {
        auto watches = watches_.lock();
        for (const auto& [id, watch] : *watches) known[id] = watch.looks;
    }
    std::unordered_map<GuestId, DomainSeen> domains;
    for (DomainSeen& domain : parts_.domains.list()) domains[domain.id] = std::move(domain);
    for (const auto& [id, rev] : parts_.registry.guests.revisions()) {
        const auto found = domains.find(id);
        bool rests = false;
        change_watch(id, [&, id = id, rev = rev](Watch& watch) {
            if (watch.looks != known[id]) return;
            DomainSeen domain = found == domains.end() ? DomainSeen{.id = id} : std::move(found->second);
            rests = watch.rested == rev && watch.domain == domain;
            watch.see(std::move(domain), Clock::now());
            watch.look_due = false;
        });
        if (!rests) agenda_.add(id);
    }
    // Last: from here on a guest that is not known yet is newer than this look.
    if (!reachable_.exchange(true) && found_.due()) spdlog::info("hypervisor: {} domains of ours", domains.size());
    forget_ended();
    agenda_.add_at(everybody, Clock::now() + look_interval);
}

void Herd::look_if_due(const Guest& guest) {
    bool due = false;
    change_watch(guest.id, [&](Watch& watch) { due = std::exchange(watch.look_due, false) || is_half_started(watch); });
    if (!due) return;
    DomainSeen domain = parts_.domains.look(guest.id);
    change_watch(guest.id, [&](Watch& watch) {
        watch.see(std::move(domain), Clock::now());
        ++watch.looks;
    });
}

/// Keeps a control channel to a guest that runs, and takes up anew one on which a word is owed and none comes: QEMU can
/// hold back what a guest says until the host has left once more (docs/design/0014). A failure is tried again; the
/// guest's timeouts decide in the end.
void Herd::listen(const Guest& guest, const Watch& watch) {
    if (watch.domain.run != Run::running || !should_talk(guest.phase)) return;
    const auto now = Clock::now();
    const bool waits_too_long = owes_word(guest, watch) && now >= watch.called + call_interval(guest);
    if (sessions_.attached(guest.id) && !waits_too_long) return;
    change_watch(guest.id, [&](Watch& w) {
        w.called = now;
        w.renewal.reset();  // what was on its way to the guest may be lost
    });
    sessions_.close(guest.id);
    try {
        sessions_.attach(guest.id, parts_.domains.open_channel(guest.id));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        spdlog::debug("{}: control channel: {}", guest.name, error.what());
        change_watch(guest.id, [](Watch& w) { w.look_due = true; });
        agenda_.add_by(guest.id, now + retry_touch);
    }
}

/// What a guest prints is kept, from as soon as nothing more urgent is to be done about it. One without a console goes
/// on without.
void Herd::read_console(const Guest& guest, const Watch& watch) {
    if (parts_.consoles == nullptr || watch.domain.run != Run::running || !should_talk(guest.phase)) return;
    if (parts_.consoles->is_open(guest.id)) return;
    try {
        open_console(guest.id);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        spdlog::debug("{}: console: {}", guest.name, error.what());
    }
}

void Herd::open_console(GuestId id) {
    if (parts_.consoles->is_open(id)) return;
    if (UniqueFd console = parts_.domains.open_console(id)) parts_.consoles->open(id, std::move(console));
}

/// The hypervisor says for so long that it is about to start it that nothing will come of it: libvirt 9.0, killed
/// between writing that down and starting QEMU, says so for ever, and refuses to destroy it (docs/design/0028).
bool Herd::is_half_started(const Watch& watch) const {
    return watch.starting_up && Clock::now() - *watch.starting_up >= start_patience();
}

Duration Herd::start_patience() const {
    return std::min<Duration>(parts_.config.ready_timeout, longest_start_patience);
}

void Herd::give_up_half_started(const Guest& guest) {
    const auto domain = fmt::format("{}-{}", parts_.config.instance, guest.id);
    Guest after = guest;
    after.fault = Fault{"start",
                        fmt::format("libvirt says that it starts {} and does not: stop libvirtd, rm "
                                    "/run/libvirt/qemu/{}.xml, start libvirtd, drover start {}",
                                    domain, domain, guest.name),
                        now()};
    meters_.faults.add();
    commit(guest, after, "fault", after.fault->message);
}

/// Of an adopted guest nothing is slow: somebody waits for a word that only needs to be let out.
Duration Herd::call_interval(const Guest& guest) const {
    if (guest.phase == Phase::starting && guest.started_by == "adopt") return adopted_call_interval;
    return std::min(longest_call_interval, parts_.config.ready_timeout / calls_before_timeout);
}

Seen Herd::see(const Guest& guest, const Watch& watch) const {
    Seen seen{.run = watch.domain.run,
              .voice = watch.answers,
              .powered_off_itself = watch.domain.powered_off_itself,
              .proven = watch.ready_since && Clock::now() - *watch.ready_since > proven_after,
              .live = watch.domain.live,
              .asked = watch.asked};
    if (const Duration timeout = timeout_of(guest.phase); timeout > Duration::zero()) {
        seen.overdue = static_cast<int>((Clock::now() - watch.entered) / timeout);
    }
    constexpr int last_rung = 2;
    if (is_bad_fork(guest, watch)) seen.overdue = std::max(seen.overdue, 1);
    if (guest.phase == Phase::stopping && host_.is_overdue()) seen.overdue = std::max(seen.overdue, last_rung);
    return seen;
}

/// A fork that could not be made new, or says nothing, which costs a fork no time: it boots cold instead.
bool Herd::is_bad_fork(const Guest& guest, const Watch& watch) const {
    if (guest.phase != Phase::starting || guest.started_by != "fork") return false;
    const bool waits = watch.answers == Voice::silent && !watch.renewed;
    return !watch.refusal.empty() || (waits && Clock::now() - watch.entered > fork_patience(parts_.config));
}

void Herd::give_up_fork(const Guest& guest, const Watch& watch) {
    const auto why = watch.refusal.empty()
                         ? fmt::format("a fork said nothing within {}", to_text(fork_patience(parts_.config)))
                         : "a fork could not be renewed: " + watch.refusal;
    change_watch(guest.id, [&](Watch& w) {
        w.reason = why;
        w.forgiven = true;
    });
    if (parts_.templates != nullptr) parts_.templates->failed(guest, why);
}

/// What the step is to be told: a fork's renewal is known here before it can be answered.
Watch Herd::renewing(Step step, const Guest& guest, const Watch& watch) {
    Watch copy = watch;
    if (step != Step::identify || !watch.forkable) return copy;
    copy.renewal = steps_.renewal_of(guest.id);
    change_watch(guest.id, [&](Watch& w) {
        w.renewal = copy.renewal;
        w.renewed = true;
        w.forkable = false;
    });
    return copy;
}

void Herd::wake_later(const Guest& guest, const Watch& watch) {
    auto when = Clock::time_point::max();
    const bool content = guest.phase == Phase::ready && watch.answers == Voice::ready;
    if (const Duration timeout = timeout_of(guest.phase); timeout > Duration::zero() && !content) {
        const auto passed = (Clock::now() - watch.entered) / timeout;
        when = watch.entered + (passed + 1) * timeout;
    }
    if (watch.retry_at > Clock::now()) when = std::min(when, watch.retry_at);
    if (guest.phase == Phase::starting && guest.started_by == "fork" && !watch.renewed)
        when = std::min<Clock::time_point>(when, watch.entered + fork_patience(parts_.config));
    if (watch.starting_up && !guest.fault)
        when = std::min<Clock::time_point>(when, *watch.starting_up + start_patience());
    if (owes_word(guest, watch)) when = std::min<Clock::time_point>(when, Clock::now() + call_interval(guest));
    if (when != Clock::time_point::max()) agenda_.add_by(guest.id, when);  // a word may be due before
}

/// The hypervisor or the registry does not answer: know nothing, do nothing, and look again soon.
void Herd::lost_touch(const std::string& why) {
    reachable_ = false;
    if (lost_.due()) spdlog::warn("out of touch: {}", why);
    auto watches = watches_.lock();
    for (auto& [id, watch] : *watches) {
        watch.domain.run = Run::unknown;
        watch.phase = Phase::gone;  // its clock starts anew when we see it again: what we missed is not its fault
        ++watch.looks;
    }
    agenda_.add_at(everybody, Clock::now() + retry_touch);
}

/// Kept until it is ready: who forks a guest that runs knows how its services are.
std::map<std::string, ServiceStatus> Herd::take_services(GuestId id) {
    std::map<std::string, ServiceStatus> services;
    change_watch(id, [&](Watch& watch) { services = std::exchange(watch.services, {}); });
    return services;
}

/// A guest's words only ever change what is known of that guest.
void Herd::heard(GuestId id, const control::FromGuest& message) {
    questions_.heard(id, message);
    const bool is_answer = services_.heard(id, message);
    const auto now = Clock::now();
    auto watches = watches_.lock();
    const auto found = watches->find(id);
    if (found == watches->end()) return;  // gone: its last words are no reason to remember it
    Watch& watch = found->second;
    watch.note_life(now);
    if (const auto* levels = std::get_if<control::Levels>(&message)) watch.levels = levels_of(*levels);
    if (const auto* state = std::get_if<control::ServiceState>(&message)) {
        if (watch.take_asked(state->name))
            services_.noticed(id, *state);
        else
            watch.hear_service(*state);
    }
    if (is_answer || !watch.is_news(message)) return;
    const auto when = watch.hear(now);
    const auto* refusal = std::get_if<control::Err>(&message);
    if (refusal != nullptr) {
        hear_refusal(id, watch, *refusal, when);
    } else {
        watch.take(message);
        watch.pace.heard(now);
        agenda_.add_by(id, when);
    }
}

void Herd::hear_refusal(GuestId id, Watch& watch, const control::Err& refusal, Clock::time_point when) {
    if (watch.renewal && watch.renewal->n == refusal.n) {
        watch.refusal = refusal.text;
        agenda_.add_by(id, when);
    }
    if (when <= Clock::now()) spdlog::warn("guest {} refused request {}: {}", id, refusal.n, refusal.text);
}

/// What is known of the guest, brought up to date with its row. How it answers is told of these very words: whatever it
/// says meanwhile is looked into next time.
Watch Herd::watch_of(const Guest& guest) {
    Watch copy;
    change_watch(guest.id, [&](Watch& watch) {
        watch.note_phase(guest.phase, Clock::now());
        watch.note_run(Clock::now());
        copy = watch;
    });
    const Voice voice = voice_of(guest, copy);
    const auto now = Clock::now();
    change_watch(guest.id, [&](Watch& watch) { watch.note_voice(voice, now); });
    copy.note_voice(voice, now);
    return copy;
}

Voice Herd::voice_of(const Guest& guest, const Watch& watch) {
    if (!watch.hello && watch.ready.empty() && watch.told.empty()) return watch.voice("");
    return watch.voice(steps_.digest_of(guest, watch));
}

}  // namespace drover
