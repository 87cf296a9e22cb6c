#include "herd/herd.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "model/failpoint.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

using Clock = Agenda::Clock;

constexpr GuestId everybody = 0;  // the agenda's entry for a look at all domains
constexpr auto look_interval = std::chrono::seconds(30);
constexpr auto retry_touch = std::chrono::seconds(1);
constexpr auto retry_disk = std::chrono::seconds(5);
constexpr auto proven_after = std::chrono::minutes(10);
constexpr auto longest_backoff = std::chrono::minutes(5);
constexpr int workers_beyond_slots = 4;  // for the steps that load nothing

/// A build takes milliseconds, most of them waiting for the disk; a start takes seconds of CPU.
bool loads_the_host(Step step) { return step == Step::start; }

bool should_talk(Phase phase) { return phase == Phase::starting || phase == Phase::ready || phase == Phase::stopping; }

}  // namespace

Herd::Herd(const Parts& parts)
    : parts_(parts),
      slots_(parts.config.steps_in_flight),
      sessions_({.said = [this](GuestId id, const control::FromGuest& message) { heard(id, message); },
                 .closed = [this](GuestId id) { agenda_.add_by(id, Clock::now() + retry_touch); }}),
      steps_(parts_, sessions_) {
    parts_.domains.watch([this](GuestId id) {
        if (id != everybody) change_watch(id, [](Watch& watch) { watch.expect_look(); });
        agenda_.add(id);
    });
}

Herd::~Herd() {
    parts_.domains.watch(nullptr);
    agenda_.close();
    for (std::thread& worker : workers_) worker.join();
}

void Herd::start() {
    agenda_.add(everybody);
    for (int i = 0; i < parts_.config.steps_in_flight + workers_beyond_slots; ++i) {
        workers_.emplace_back([this] { work(); });
        pthread_setname_np(workers_.back().native_handle(), fmt::format("herd-{}", i).c_str());
    }
}

void Herd::nudge(GuestId id) {
    change_watch(id, [](Watch& watch) { watch.retry_at = {}; });
    agenda_.add(id);
}

void Herd::nudge(const std::vector<GuestId>& ids) {
    for (const GuestId id : ids) nudge(id);
}

void Herd::work() {
    while (const auto id = agenda_.take()) {
        try {
            turn(*id);
        } catch (const std::exception& error) {
            spdlog::error("guest {}: {}", *id, error.what());
            agenda_.add_at(*id, Clock::now() + look_interval);
        }
        if (const auto next = slots_.decline(*id)) agenda_.add(*next);
        agenda_.done(*id);
    }
}

void Herd::turn(GuestId id) {
    try {
        if (id == everybody) {
            look_at_all();
        } else {
            advance(id);
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable) throw;
        lost_touch(error.what());
    }
}

void Herd::advance(GuestId id) {
    while (true) {
        const auto guest = parts_.registry.guests.get(id);
        if (!guest || guest->phase == Phase::gone) {
            watches_.lock()->erase(id);
            return;
        }
        if (!round(*guest)) return;
    }
}

bool Herd::round(const Guest& guest) {
    look_if_due(guest);
    const Watch watch = watch_of(guest);
    listen(guest, watch);
    const Seen seen = see(guest, watch);
    const bool may_act = Clock::now() >= watch.retry_at;
    if (const auto correction = correct(guest, seen); correction && (may_act || correction->step == Step::none)) {
        apply(*correction, guest, seen, watch);
        return true;
    }
    const Step step = next_step(guest, seen);
    if (step != Step::none && may_act) return take_step(step, guest, watch);
    if (step == Step::none) change_watch(guest.id, [&](Watch& w) { w.rested = guest.rev; });
    wake_later(guest, watch);
    return false;
}

/// True: done, the guest may have a further step. False: it waits for a slot or for its next try.
bool Herd::take_step(Step step, const Guest& guest, const Watch& watch) {
    if (!loads_the_host(step)) return try_step(step, guest, watch);
    if (!slots_.enter(guest.id)) return false;
    const auto leave = [this](void* /*slot*/) {
        if (const auto next = slots_.leave()) agenda_.add(*next);
    };
    const std::unique_ptr<void, decltype(leave)> slot(this, leave);  // also left when a failure cannot be written down
    return try_step(step, guest, watch);
}

bool Herd::try_step(Step step, const Guest& guest, const Watch& watch) {
    try {
        do_step(step, guest, watch);
    } catch (const DiskFull& error) {
        postponed(guest, step, error.what());
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) {
            lost_touch(fmt::format("{} {}: {}", to_text(step), guest.name, error.what()));
            return false;
        }
        failed(guest, step, error.what());
    } catch (const std::exception& error) {
        failed(guest, step, error.what());
    }
    return true;
}

void Herd::do_step(Step step, const Guest& guest, const Watch& watch) {
    failpoint("step.chosen");
    if (step == Step::start) {
        change_watch(guest.id, [](Watch& w) {
            w.forget_voice();
            w.words = 0;
        });
    }
    if (step == Step::force && guest.phase == Phase::starting && see(guest, watch).overdue > 0) {
        change_watch(guest.id, [&](Watch& w) {
            w.reason = fmt::format("not ready within {}", to_text(timeout_of(guest.phase)));
        });
    }
    const Done done = steps_.perform(step, guest, watch);
    failpoint("step.done");
    change_watch(guest.id, [&](Watch& w) {
        w.postponed = false;
        if (done.later) w.retry_at = Clock::now() + retry_touch;
        if (!done.told.empty()) w.told = done.told;
        if (done.look) w.expect_look();
        w.note_phase(done.after.phase, Clock::now());
        if (step == Step::stop) w.asked = 1;
        if (step == Step::press) w.asked = 2;
    });
    // identify may have written the row itself already; what counts is whether the phase or the make moved.
    if (done.after.phase == guest.phase && done.after.have == guest.have) return;
    commit(guest, done.after, "phase",
           fmt::format("{} -> {} ({})", to_text(guest.phase), to_text(done.after.phase), to_text(step)));
    failpoint("step.committed");
}

void Herd::commit(const Guest& before, const Guest& after, const std::string& kind, const std::string& message) {
    Guest row = after;
    if (row.phase != before.phase) row.since = now();
    Guest read = before;
    read.rev = after.rev;  // a step that saved on its way counted it up
    if (parts_.registry.guests.save(read, row, kind, message)) spdlog::info("{}: {}", row.name, message);
}

void Herd::apply(const Correction& correction, const Guest& guest, const Seen& seen, const Watch& watch) {
    if (correction.step != Step::none) {
        take_step(correction.step, guest, watch);
        return;
    }
    const std::string why = watch.reason.empty() ? std::string(correction.why) : watch.reason;
    Guest after = corrected(guest, correction, seen, now());
    if (correction.failed) after = given_up(after, std::string(to_text(guest.phase)), why);
    change_watch(guest.id, [&](Watch& w) {
        w.reason.clear();
        if (after.phase == Phase::stopped) w.forget_voice();
        if (correction.failed) w.retry_at = Clock::now() + backoff(after.attempts);
    });
    if (after.phase == Phase::stopped) sessions_.close(guest.id);
    commit(guest, after, after.fault && !guest.fault ? "fault" : "phase",
           fmt::format("{} -> {}: {}", to_text(guest.phase), to_text(after.phase), why));
    failpoint("correction.committed");
}

void Herd::failed(const Guest& guest, Step step, const std::string& message) {
    Guest after = guest;
    ++after.attempts;
    after = given_up(after, std::string(to_text(step)), message);
    change_watch(guest.id, [&](Watch& w) { w.retry_at = Clock::now() + backoff(after.attempts); });
    spdlog::warn("{}: {}: {}", guest.name, to_text(step), message);
    commit(guest, after, after.fault && !guest.fault ? "fault" : "retry",
           fmt::format("{}: {}", to_text(step), message));
}

/// A full disk is no fault of the guest's: tried again every few seconds, said once.
void Herd::postponed(const Guest& guest, Step step, const std::string& why) {
    bool said = false;
    change_watch(guest.id, [&](Watch& w) {
        w.retry_at = Clock::now() + retry_disk;
        said = std::exchange(w.postponed, true);
    });
    if (said) return;
    const auto message = fmt::format("{} waits for space: {}", to_text(step), why);
    spdlog::warn("{}: {}", guest.name, message);
    parts_.registry.events.add("retry", guest.name, guest.operation, message);
}

/// Attempts exhausted: back to the version that was good, or faulted until somebody asks for it again.
Guest Herd::given_up(Guest guest, const std::string& kind, const std::string& message) const {
    if (!exhausted(guest, parts_.config.attempts)) return guest;
    if (!guest.good.empty() && guest.want.version != guest.good) {
        guest.want.version = guest.good;
        guest.attempts = 0;
    } else {
        guest.fault = Fault{kind, message, now()};
    }
    return guest;
}

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
            watch.domain = std::move(domain);
            watch.look_due = false;
        });
        if (!rests) agenda_.add(id);
    }
    // Last: from here on a guest that is not known yet is newer than this look.
    if (!reachable_.exchange(true) && found_.due()) spdlog::info("hypervisor: {} domains of ours", domains.size());
    agenda_.add_at(everybody, Clock::now() + look_interval);
}

void Herd::look_if_due(const Guest& guest) {
    bool due = false;
    change_watch(guest.id, [&](Watch& watch) { due = std::exchange(watch.look_due, false); });
    if (!due) return;
    DomainSeen domain = parts_.domains.look(guest.id);
    change_watch(guest.id, [&](Watch& watch) {
        watch.domain = std::move(domain);
        ++watch.looks;
    });
}

/// Keeps a control channel to a guest that runs. A failure is tried again; its timeouts decide in the end.
void Herd::listen(const Guest& guest, const Watch& watch) {
    if (watch.domain.run != Run::running || !should_talk(guest.phase) || sessions_.attached(guest.id)) return;
    try {
        sessions_.attach(guest.id, parts_.domains.open_channel(guest.id));
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        spdlog::debug("{}: control channel: {}", guest.name, error.what());
        change_watch(guest.id, [](Watch& w) { w.look_due = true; });
        agenda_.add_by(guest.id, Clock::now() + retry_touch);
    }
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
    return seen;
}

void Herd::wake_later(const Guest& guest, const Watch& watch) {
    auto when = Clock::time_point::max();
    const bool content = guest.phase == Phase::ready && watch.answers == Voice::ready;
    if (const Duration timeout = timeout_of(guest.phase); timeout > Duration::zero() && !content) {
        const auto passed = (Clock::now() - watch.entered) / timeout;
        when = watch.entered + (passed + 1) * timeout;
    }
    if (watch.retry_at > Clock::now()) when = std::min(when, watch.retry_at);
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

Duration Herd::backoff(int attempts) const {
    const int doublings = std::clamp(attempts - 1, 0, 16);
    return std::min<Duration>(parts_.config.backoff * (1 << doublings), longest_backoff);
}

Duration Herd::timeout_of(Phase phase) const {
    if (phase == Phase::starting || phase == Phase::ready) return parts_.config.ready_timeout;
    if (phase == Phase::stopping) return parts_.config.stop_timeout;
    return Duration::zero();
}

/// A guest's words only ever change what is known of that guest.
void Herd::heard(GuestId id, const control::FromGuest& message) {
    const auto* hello = std::get_if<control::Hello>(&message);
    const auto* ready = std::get_if<control::Ready>(&message);
    const auto* refusal = std::get_if<control::Err>(&message);
    if (hello == nullptr && ready == nullptr && refusal == nullptr) return;
    const auto now = Clock::now();
    auto when = now;
    {
        auto watches = watches_.lock();
        const auto found = watches->find(id);
        if (found == watches->end()) return;  // gone: its last words are no reason to remember it
        Watch& watch = found->second;
        when = watch.hear(now);
        if (hello != nullptr) {
            watch.forget_voice();
            watch.hello = *hello;
        } else if (ready != nullptr) {
            watch.ready = ready->digest;
            watch.told.clear();  // answered, whatever the answer
        }
    }
    if (refusal == nullptr) return agenda_.add_by(id, when);
    if (when == now) spdlog::warn("guest {} refused request {}: {}", id, refusal->n, refusal->text);
}

/// What is known of the guest, brought up to date with its row.
Watch Herd::watch_of(const Guest& guest) {
    Watch copy;
    change_watch(guest.id, [&](Watch& watch) {
        watch.note_phase(guest.phase, Clock::now());
        copy = watch;
    });
    const Voice voice = voice_of(guest, copy);
    change_watch(guest.id, [&](Watch& watch) {
        watch.note_voice(voice, Clock::now());
        copy = watch;
    });
    return copy;
}

Voice Herd::voice_of(const Guest& guest, const Watch& watch) {
    if (!watch.hello && watch.ready.empty()) return Voice::silent;
    return watch.voice(steps_.digest_of(guest));
}

template <typename Change> void Herd::change_watch(GuestId id, Change&& change) {
    auto watches = watches_.lock();
    const auto [entry, added] = watches->try_emplace(id);
    if (added && reachable_) {  // all domains were looked at, and this guest is newer: it has none
        entry->second.domain = {.id = id};
        entry->second.look_due = false;
    }
    change(entry->second);
}

}  // namespace drover
