#include "herd/herd.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "model/failpoint.hpp"
#include "model/thread.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

using Clock = Agenda::Clock;

constexpr auto retry_hold = std::chrono::seconds(5);  // it is nudged before
constexpr auto retry_disk = std::chrono::seconds(5);
constexpr auto longest_backoff = std::chrono::minutes(5);
constexpr int quick_workers = 4;  // beside those that wait for the hypervisor: for the steps that load nothing

/// Of the event that tells of this change; `ordinary` where it is nothing special.
std::string kind_of(const Guest& before, const Guest& after, const std::string& ordinary) {
    if (after.fault && !before.fault) return "fault";
    return after.want.version != before.want.version ? "rollback" : ordinary;
}

}  // namespace

Herd::Herd(const Parts& parts)
    : parts_(parts),
      host_(parts.registry, parts.boot_id),
      waves_(parts.config, {.call = [this](GuestId id) { agenda_.add(id); },
                            .wake = [this](Instant when) { agenda_.add_by(the_next, when); },
                            .stopped = [this](StoppedWave wave) { put_back(std::move(wave)); }}),
      sessions_({.said = [this](GuestId id, const control::FromGuest& message) { heard(id, message); },
                 .closed =
                     [this](GuestId id) {
                         services_.lost(id);
                         agenda_.add_by(id, Clock::now() + retry_touch);
                     }}),
      steps_(parts_, sessions_) {
    if (parts_.consoles != nullptr)
        parts_.consoles->watch([this](GuestId id) { agenda_.add_by(id, Clock::now() + retry_touch); });
    parts_.domains.watch([this](GuestId id) {
        if (id != everybody) change_watch(id, [](Watch& watch) { watch.expect_look(); });
        agenda_.add(id);
    });
}

Herd::~Herd() {
    if (parts_.consoles != nullptr) parts_.consoles->watch(nullptr);
    parts_.domains.watch(nullptr);
    agenda_.close();
    for (std::thread& worker : workers_) worker.join();
    services_.close();
}

void Herd::start() {
    take_over();
    services_.start();
    if (const auto when = host_.force_at()) wake_all_by(*when);
    agenda_.add(everybody);
    for (int i = 0; i < parts_.config.steps_in_flight + quick_workers; ++i) {
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
    be_nice(5);  // what people ask goes before what they wait for anyway
    while (const auto id = agenda_.take()) {
        try {
            turn(*id);
        } catch (const std::exception& error) {
            spdlog::error("guest {}: {}", *id, error.what());
            agenda_.add_at(*id, Clock::now() + look_interval);
        }
        waves_.decline(*id);
        agenda_.done(*id);
    }
}

void Herd::turn(GuestId id) {
    try {
        if (id == everybody) {
            look_at_all();
        } else if (id == the_next) {
            put_back_again();
            waves_.admit();
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
        auto guest = parts_.registry.guests.get(id);
        if (!guest || guest->phase == Phase::gone) {
            watches_.lock()->erase(id);
            waves_.withdraw(id);
            return;
        }
        guest->desired = host_.wanted(*guest);
        if (!round(*guest)) return;
    }
}

bool Herd::round(const Guest& guest) {
    waves_.note(guest);
    look_if_due(guest);
    const Watch watch = watch_of(guest);
    if (is_half_started(watch) && !guest.fault) {
        give_up_half_started(guest);
        return true;
    }
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
    read_console(guest, watch);
    wake_later(guest, watch);
    return false;
}

/// True: done, the guest may have a further step. False: it waits for its turn or for its next try.
bool Herd::take_step(Step step, const Guest& guest, const Watch& watch) {
    learn_rule(guest, step);
    if (step == Step::start && parts_.templates != nullptr && parts_.templates->hold(guest)) {
        change_watch(guest.id, [](Watch& w) { w.retry_at = Clock::now() + retry_hold; });
        wake_later(guest, watch_of(guest));
        return false;
    }
    const bool may = host_.is_overdue() || waves_.enter(guest, step);
    return may && try_step(step, guest, watch);
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
        change_watch(guest.id, [](Watch& w) { w.begin_anew(); });
    }
    if (step == Step::force && guest.phase == Phase::starting && see(guest, watch).overdue > 0) {
        change_watch(guest.id, [&](Watch& w) {
            w.reason = fmt::format("not ready within {}", to_text(timeout_of(guest.phase)));
        });
        if (is_bad_fork(guest, watch))
            give_up_fork(guest, watch);
        else
            waves_.timed_out(guest.id);
    }
    const auto began = Clock::now();
    Done done = steps_.perform(step, guest, renewing(step, guest, watch));
    meters_.of(step).done.note(Clock::now() - began);
    failpoint("step.done");
    change_watch(guest.id, [&](Watch& w) {
        w.pace.did(step, began, Clock::now());
        if (step == Step::start || step == Step::adopt) w.set_out = began;
        if (done.after.phase == Phase::ready && guest.phase != Phase::ready) {
            w.pace.arrived(Clock::now());
            if (w.set_out) meters_.arrived(done.after.started_by, Clock::now() - *std::exchange(w.set_out, {}));
        }
        done.after.timings = w.pace.over(done.after.timings);
        w.postponed = false;
        if (done.later) w.retry_at = Clock::now() + retry_touch;
        if (!done.told.empty()) {
            w.told = done.told;
            w.called = Clock::now();  // that asks for a word, too
        }
        if (done.look) w.expect_look();
        w.note_phase(done.after.phase, Clock::now());
        w.note_run(Clock::now());
        if (step == Step::stop) w.asked = 1;
        if (step == Step::press) w.asked = 2;
    });
    tell_of(step, guest);
    if (!done.moved(guest)) return;
    commit(guest, done.after, "phase",
           fmt::format("{} -> {} ({})", to_text(guest.phase), to_text(done.after.phase), to_text(step)), done.made);
    failpoint("step.committed");
    if (done.then) tidy_up(guest, done.then);
}

/// A failure is nobody's loss: the next start does the same.
void Herd::tidy_up(const Guest& guest, const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        spdlog::warn("{}: {}", guest.name, error.what());
    }
}

void Herd::commit(const Guest& before, const Guest& after, const std::string& kind, const std::string& message,
                  const std::vector<MadeCopy>& made, const std::string& heal) {
    Guest row = after;
    if (row.phase != before.phase) row.since = now();
    Guest read = before;
    read.rev = after.rev;  // a step that saved on its way counted it up
    if (!parts_.registry.guests.save(read, row, kind, message, made, heal)) return;
    spdlog::info("{}: {}", row.name, message);
    const bool was_ready = before.phase == Phase::ready, is_ready = row.phase == Phase::ready;
    if (is_ready && !was_ready) services_.became_ready(row, take_services(row.id));
    if (was_ready && !is_ready) services_.left_ready(row.id, row.phase);
    waves_.note(row, cpu_used_by(row));
}

/// What it cost to bring it here, where that is worth a question; nothing when nobody can tell.
std::optional<double> Herd::cpu_used_by(const Guest& guest) {
    if (guest.phase != Phase::ready || !waves_.wants_cpu_of(guest.id)) return std::nullopt;
    try {
        return parts_.domains.cpu_seconds(guest.id);
    } catch (const Error&) {
        return std::nullopt;
    }
}

void Herd::apply(const Correction& correction, const Guest& guest, const Seen& seen, const Watch& watch) {
    if (correction.step != Step::none) {
        take_step(correction.step, guest, watch);
        return;
    }
    meters_.corrections.add();
    std::string why = watch.reason.empty() ? std::string(correction.why) : watch.reason;
    Guest after = corrected(guest, correction, seen, now());
    if (watch.forgiven) after.attempts = guest.attempts;
    const bool counts = correction.failed && !watch.forgiven;
    const bool fell = counts && watch.ran && guest.phase == Phase::ready && guest.desired == Desired::ready;
    if (fell)
        after = fallen(after, why);
    else if (counts)
        after = given_up(after, std::string(to_text(guest.phase)), why);
    change_watch(guest.id, [&](Watch& w) {
        w.reason.clear();
        w.forgiven = false;
        if (after.phase == Phase::stopped) w.forget_voice();
        if (counts) w.retry_at = Clock::now() + backoff(after.attempts);
    });
    if (after.phase == Phase::stopped) sessions_.close(guest.id);
    commit(guest, after, kind_of(guest, after, fell ? "health" : "phase"),
           fmt::format("{} -> {}: {}", to_text(guest.phase), to_text(after.phase), why), {},
           fell && !after.fault ? "start" : "");
    failpoint("correction.committed");
}

/// It was ready and is down. It is started again, so many times within so long a time; its attempts only tell how long
/// to wait before.
Guest Herd::fallen(Guest guest, std::string& why) const {
    const Config::Health& health = parts_.config.health;
    const long long tries = parts_.registry.heals.count(guest.id, "", health.forget);
    guest.attempts = std::min(guest.attempts, std::max(parts_.config.attempts - 1, 0));
    if (tries < health.tries) {
        why += fmt::format("; it is started again, try {} of {}", tries + 1, health.tries);
    } else {
        why += fmt::format("; it was healed {} times within {}", tries, to_text(health.forget));
        guest.fault = Fault{"health", why, now()};
    }
    return guest;
}

/// What nothing is committed of and people want to know of a guest that is being healed.
void Herd::tell_of(Step step, const Guest& guest) {
    const bool rung = guest.phase == Phase::stopping && (step == Step::press || step == Step::force);
    if (step == Step::resume && guest.phase == Phase::ready) {
        bool due = false;
        change_watch(guest.id, [&](Watch& w) { due = w.may_tell_of_resume(Clock::now()); });
        if (due) parts_.registry.events.add("health", guest.name, guest.operation, "was paused: it goes on");
    } else if (rung && parts_.registry.heals.is_open(guest.id, "")) {
        const auto* message = step == Step::press ? "does not go at STOP: its power button is pressed"
                                                  : "does not go at its power button: it is forced off";
        parts_.registry.events.add("health", guest.name, guest.operation, message);
    }
}

void Herd::failed(const Guest& guest, Step step, const std::string& message) {
    meters_.of(step).failed.add();
    Guest after = guest;
    ++after.attempts;
    after = given_up(after, std::string(to_text(step)), message);
    change_watch(guest.id, [&](Watch& w) { w.retry_at = Clock::now() + backoff(after.attempts); });
    spdlog::warn("{}: {}: {}", guest.name, to_text(step), message);
    commit(guest, after, kind_of(guest, after, "retry"), fmt::format("{}: {}", to_text(step), message));
}

/// A full disk is no fault of the guest's: tried again every few seconds, said once.
void Herd::postponed(const Guest& guest, Step step, const std::string& why) {
    bool said = false;
    change_watch(guest.id, [&](Watch& w) {
        w.retry_at = Clock::now() + retry_disk;
        said = std::exchange(w.postponed, true);
    });
    waves_.withdraw(guest.id);
    if (said) return;
    const auto message = fmt::format("{} waits for space: {}", to_text(step), why);
    spdlog::warn("{}: {}", guest.name, message);
    parts_.registry.events.add("retry", guest.name, guest.operation, message);
}

/// Attempts exhausted: a copy is owed no more; back to the version that was good; or faulted until somebody asks for it
/// again. The operation that asked failed: what comes then is no part of it.
Guest Herd::given_up(Guest guest, const std::string& kind, const std::string& message) {
    if (!exhausted(guest, parts_.config.attempts)) return guest;
    if (guest.copy && kind == to_text(Step::copy)) {  // nothing is wrong with the guest itself
        guest.copy = false;
        guest.attempts = 0;
        guest.operation.reset();
        return guest;
    }
    if (!guest.good.empty() && guest.want.version != guest.good) {
        guest.want.version = guest.good;
        guest.attempts = 0;
        guest.operation.reset();
    } else {
        guest.fault = Fault{kind, message, now()};
        meters_.faults.add();
    }
    return guest;
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

}  // namespace drover
