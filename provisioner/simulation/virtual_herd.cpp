#include "simulation/virtual_herd.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "model/error.hpp"
#include "model/names.hpp"

namespace drover {
namespace {

constexpr Duration sample_every = std::chrono::seconds(2);
constexpr Duration telling = std::chrono::milliseconds(20);  // from an identity sent to READY
constexpr Duration backoff = std::chrono::seconds(2);
constexpr Duration longest_rest = std::chrono::hours(24);

double seconds(Instant time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

Instant not_before(double when) { return Instant(Duration(static_cast<Duration::rep>(std::ceil(when * 1000)))); }

Time wall_time(Instant time) { return Time(time.time_since_epoch()); }

bool is_content(const Guest& guest) { return guest.settled() || guest.fault; }

}  // namespace

VirtualHerd::VirtualHerd(const Scenario& scenario, const WavePolicies& policies)
    : scenario_(scenario), policies_(policies), wave_(policies, scenario.seed), watches_(scenario.guests) {
    for (int i = 0; i < scenario.guests; ++i) {
        Guest guest{.id = i + 1, .name = guest_name("guest", i + 1), .owner = "alice", .image = "tiny"};
        guest.host = fmt::format("host-{}", i % scenario.hosts + 1);
        guest.phase = Phase::stopped;
        guest.want = {"v1", 1, 1};
        guest.have = {"", 1, 0};
        hosts_.try_emplace(guest.host, scenario.host);
        rows_.push_back(std::move(guest));
    }
}

void VirtualHerd::bring_up(Guest& guest) {
    guest.phase = Phase::ready;
    guest.have = guest.want;
    guest.good = guest.have.version;
    watch(guest.id).run = Run::running;
    watch(guest.id).voice = Voice::ready;
}

Course VirtualHerd::run(std::optional<Instant> kill_at) {
    pending_ = static_cast<std::size_t>(
        std::count_if(rows_.begin(), rows_.end(), [](const Guest& guest) { return !is_content(guest); }));
    sample();
    for (const Guest& guest : rows_) look_into(guest.id);
    call();
    while (pending_ > 0) {
        const auto when = next();
        if (!when || *when - moved_ > longest_rest) throw stuck();
        pass(*when);
        if (kill_at && now_ >= *kill_at) {
            kill();
            kill_at.reset();
        }
        call();
        if (observer_) observer_(wave_, now_);
    }
    course_.end = now_;
    course_.faults = static_cast<int>(
        std::count_if(rows_.begin(), rows_.end(), [](const Guest& guest) { return guest.fault.has_value(); }));
    return std::move(course_);
}

Error VirtualHerd::stuck() const {
    const auto guest = std::find_if(rows_.begin(), rows_.end(), [](const Guest& one) { return !is_content(one); });
    return {
        ErrorKind::failed,
        fmt::format("nothing moves and {} guests are not where they should be: {} is {}, should be {}, waits for {}",
                    pending_, guest->name, to_text(guest->phase), to_text(guest->desired),
                    wave_.waits_for(guest->id, now_))};
}

std::optional<Instant> VirtualHerd::next() const {
    Instant first = sampled_ + sample_every;
    if (!alarms_.empty()) first = std::min(first, alarms_.top().first);
    if (const auto wake = wave_.wake(now_)) first = std::min(first, *wake);
    for (const auto& [name, host] : hosts_) {
        if (const auto when = host.next()) first = std::min(first, not_before(*when));
    }
    return std::max(first, now_);
}

void VirtualHerd::pass(Instant when) {
    now_ = when;
    for (auto& [name, host] : hosts_) {
        for (const GuestId id : host.advance(seconds(now_))) finished(id);
    }
    while (!alarms_.empty() && alarms_.top().first <= now_) {
        const GuestId id = alarms_.top().second;
        alarms_.pop();
        Watch& known = watch(id);
        if (known.voice == Voice::told && now_ - known.told >= telling) known.voice = Voice::ready;
        look_into(id);
    }
    if (now_ - sampled_ >= sample_every) sample();
}

void VirtualHerd::sample() {
    sampled_ = now_;
    for (auto& [name, host] : hosts_) wave_.see(name, host.sample(), now_);
}

/// Calls until nobody may go: one who is called and needs nothing makes room for the next.
void VirtualHerd::call() {
    put_back();
    for (auto called = wave_.admit(now_); !called.empty(); called = wave_.admit(now_)) {
        for (const GuestId id : called) {
            look_into(id);
            wave_.decline(id);
        }
        put_back();
    }
}

/// As cancelling an operation does: what was not begun of it is to be as it is.
void VirtualHerd::put_back() {
    for (StoppedWave& stopped : wave_.take_stopped()) {
        for (Guest& guest : rows_) {
            const bool begun = guest.attempts > 0 || wave_.has_slot(guest.id);
            if (guest.operation != stopped.operation || begun || is_content(guest)) continue;
            guest.desired = guest.phase == Phase::ready ? Desired::ready : Desired::stopped;
            guest.want = guest.have;
            if (is_content(guest)) --pending_;
            wave_.note(guest, now_);
        }
        course_.stopped.push_back(std::move(stopped));
    }
}

void VirtualHerd::kill() {
    wave_ = Wave(policies_, scenario_.seed);
    sample();
    for (const Guest& guest : rows_) wave_.take_over(guest, watch(guest.id).entered);
    for (const Guest& guest : rows_) look_into(guest.id);
}

void VirtualHerd::look_into(GuestId id) {
    while (round(id)) {
    }
}

/// As Herd::round.
bool VirtualHerd::round(GuestId id) {
    Guest& guest = row(id);
    if (guest.phase == Phase::gone) return false;
    Watch& known = watch(id);
    const Seen seen = see(guest, known);
    const bool may_act = now_ >= known.retry_at;
    if (const auto correction = correct(guest, seen); correction && (may_act || correction->step == Step::none)) {
        apply(*correction, seen, guest);
        return true;
    }
    const Step step = next_step(guest, seen);
    if (step == Step::none || !may_act) {
        wake_later(guest, known);
        return false;
    }
    const auto wave = class_of(guest, step);
    if (!wave_.enter(guest, step, now_)) return false;
    note_slot(id, wave);
    if (step == Step::force && guest.phase == Phase::starting && seen.overdue > 0) {
        wave_.leave(id, Ending::timed_out, now_);
        note_slot(id);
    }
    perform(step, guest);
    return true;
}

Seen VirtualHerd::see(const Guest& guest, const Watch& known) const {
    Seen seen{.run = known.run, .voice = known.voice, .live = guest.have, .asked = known.asked};
    const Duration timeout = timeout_of(guest.phase);
    if (timeout > Duration::zero()) seen.overdue = static_cast<int>((now_ - known.entered) / timeout);
    return seen;
}

void VirtualHerd::apply(const Correction& correction, const Seen& seen, Guest& guest) {
    if (correction.step != Step::none) return perform(correction.step, guest);
    const Guest before = guest;
    const bool was_content = is_content(guest);
    guest = corrected(guest, correction, seen, wall_time(now_));
    if (correction.failed) {
        if (exhausted(guest, scenario_.attempts)) guest.fault = Fault{"start", std::string(correction.why), {}};
        watch(guest.id).retry_at = now_ + backoff * (1 << std::min(guest.attempts - 1, 6));
        alarms_.emplace(watch(guest.id).retry_at, guest.id);
    }
    changed(guest, before.phase);
    if (was_content != is_content(guest)) pending_ += was_content ? 1 : -1;
}

void VirtualHerd::perform(Step step, Guest& guest) {
    const Phase before = guest.phase;
    const bool was_content = is_content(guest);
    Watch& known = watch(guest.id);
    switch (step) {
        case Step::build:
            guest.have.overlay = guest.want.overlay;
            guest.phase = Phase::stopped;
            break;
        case Step::start: start(guest); break;
        case Step::identify:
            if (known.voice == Voice::ready) {
                guest.phase = Phase::ready;
                guest.good = guest.have.version;
            } else {
                known.voice = Voice::told;
                known.told = now_;
                alarms_.emplace(now_ + telling, guest.id);
            }
            break;
        case Step::park:
            known.run = Run::paused;
            guest.phase = Phase::parked;
            break;
        case Step::adopt:
        case Step::resume:
            known.run = Run::running;
            if (guest.phase == Phase::parked) guest.phase = Phase::starting;
            break;
        case Step::stop: stop(guest); break;
        case Step::press: break;
        case Step::force:
            host_of(guest).off(guest.id);
            known.run = Run::off;
            break;
        case Step::retire: guest.phase = Phase::gone; break;
        case Step::copy:
        case Step::none: break;
    }
    changed(guest, before);
    if (step == Step::stop) known.asked = 1;
    if (step == Step::press) known.asked = 2;
    if (was_content != is_content(guest)) pending_ += was_content ? 1 : -1;
}

void VirtualHerd::start(Guest& guest) {
    Watch& known = watch(guest.id);
    guest.have.version = guest.want.version;
    guest.have.boot = guest.want.boot;
    guest.phase = Phase::starting;
    known.run = Run::running;
    known.voice = Voice::silent;
    known.stops = false;
    const Work work = drawn(scenario_.start, guest, known);
    known.cpu += work.cpu;
    host_of(guest).begin(guest.id, work);
}

/// It hears STOP, whatever it was doing.
void VirtualHerd::stop(Guest& guest) {
    Watch& known = watch(guest.id);
    guest.phase = Phase::stopping;
    if (known.hangs) return;
    const Work work = drawn(scenario_.stop, guest, known);
    known.stops = true;
    known.cpu += work.cpu;
    host_of(guest).off(guest.id);
    host_of(guest).begin(guest.id, work);
}

/// Its luck is the same under every policy: it depends on the seed, the guest and how often it was started.
Work VirtualHerd::drawn(const Work& work, const Guest& guest, Watch& known) const {
    std::seed_seq seeds{scenario_.seed, static_cast<std::uint64_t>(guest.id),
                        static_cast<std::uint64_t>(++known.draws)};
    std::minstd_rand random(seeds);
    const double factor = std::lognormal_distribution<>(0, scenario_.spread)(random);
    const double luck = std::uniform_real_distribution<>()(random);
    known.crashes = guest.phase == Phase::starting && luck < scenario_.crash;
    known.hangs = guest.phase == Phase::starting && !known.crashes && luck < scenario_.crash + scenario_.hang;
    return {work.disk * factor, work.cpu * factor, work.wait * factor, work.memory, work.remaining};
}

/// All its work is done: it says HELLO, or is off.
void VirtualHerd::finished(GuestId id) {
    Watch& known = watch(id);
    if (known.stops || known.crashes) {
        host_of(row(id)).off(id);
        known.run = Run::off;
    } else if (!known.hangs) {
        known.voice = Voice::hello;
    }
    look_into(id);
}

void VirtualHerd::changed(Guest& guest, Phase before) {
    Watch& known = watch(guest.id);
    moved_ = now_;
    if (guest.phase != before) {
        known.entered = now_;
        known.asked = 0;
        guest.since = wall_time(now_);
        if (guest.phase == Phase::ready) course_.ready.push_back(now_);
    }
    wave_.note(guest, now_, known.cpu);
    note_slot(guest.id);
}

/// Writes down whether it has a slot now.
void VirtualHerd::note_slot(GuestId id, std::optional<WaveClass> wave) {
    Watch& known = watch(id);
    const bool has = wave_.has_slot(id);
    if (has == known.use.has_value()) return;
    if (has) {
        known.use = course_.uses.size();
        known.cpu = 0;
        course_.uses.push_back({id, wave.value_or(WaveClass::start), now_, now_});
        in_use_ += 1;
    } else {
        course_.uses[*known.use].end = now_;
        known.use.reset();
        in_use_ -= 1;
    }
    course_.in_flight.emplace_back(now_, in_use_);
    course_.peak = std::max(course_.peak, in_use_);
}

void VirtualHerd::wake_later(const Guest& guest, const Watch& known) {
    const Duration timeout = timeout_of(guest.phase);
    const bool content = guest.phase == Phase::ready && known.voice == Voice::ready;
    if (timeout > Duration::zero() && !content) {
        alarms_.emplace(known.entered + ((now_ - known.entered) / timeout + 1) * timeout, guest.id);
    }
}

Duration VirtualHerd::timeout_of(Phase phase) const {
    if (phase == Phase::starting || phase == Phase::ready) return scenario_.ready_timeout;
    return phase == Phase::stopping ? scenario_.stop_timeout : Duration::zero();
}

}  // namespace drover
