// What people say of many guests at once: operations of their waves, and the host's administrator of all.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "herd/herd.hpp"

namespace drover {

namespace {

OperationRule rule_of(const Operation& operation) {
    OperationRule rule{.policy = std::nullopt, .paused = operation.paused};
    if (!operation.wave.empty()) rule.policy = parse_wave_policy(operation.wave);
    return rule;
}

/// By what the registry knows of them: also after a kill.
drover::Canaries canaries_of(const Operations::Canaries& known) {
    drover::Canaries canaries{.pending = {known.pending.begin(), known.pending.end()}, .settle = known.settle};
    if (canaries.pending.empty()) {
        const auto since = known.last ? now() - *known.last : Duration::zero();
        canaries.open_from = wave_clock() + std::clamp(known.settle - since, Duration::zero(), known.settle);
    }
    return canaries;
}

}  // namespace

/// What was under way when the daemon ended counts as before.
void Herd::take_over() {
    auto guests = parts_.registry.guests.moving();
    for (Guest& guest : guests) {
        guest.desired = host_.wanted(guest);
        if (guest.operation) obey(*guest.operation);
    }
    waves_.take_over(guests);
}

void Herd::stop_host(Duration budget) {
    spdlog::warn("host: stops, guests still running in {} are forced off", to_text(budget));
    host_.stop(budget);
    nudge(parts_.registry.guests.ids());
    wake_all_by(*host_.force_at());
}

void Herd::start_host() {
    spdlog::info("host: starts, guests are to be what they were");
    host_.start();
    nudge(parts_.registry.guests.ids());
}

void Herd::wake_all_by(Agenda::Clock::time_point when) {
    for (const GuestId id : parts_.registry.guests.ids()) agenda_.add_by(id, when);
}

/// One at a time: who reads last obeys last.
void Herd::obey(OperationId operation) {
    auto learnt = learnt_.lock();
    auto rule = rule_of(parts_.registry.operations.summary(operation));
    const auto canaries = parts_.registry.operations.canaries(operation);
    if (canaries) rule.canaries = canaries_of(*canaries);
    waves_.rule(operation, rule);
    learnt->insert(operation);
    if (canaries && !canaries->failed.empty()) put_back({.operation = operation, .reason = canaries->failed});
}

/// Before its first guest asks for a slot, whoever brought it here.
void Herd::learn_rule(const Guest& guest, Step step) {
    if (!guest.operation || !class_of(guest, step)) return;
    const bool known = learnt_.lock()->contains(*guest.operation);
    if (!known) obey(*guest.operation);
}

/// The first of its operation failed: the others are to be what they were.
void Herd::put_back(StoppedWave wave) {
    try {
        const Caller caller{.name = "droverd", .administrator = true};
        spdlog::warn("{} stops: {}", operation_name(wave.operation), wave.reason);
        nudge(parts_.registry.operations.cancel(caller, wave.operation, wave.reason));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable) return;  // it has ended meanwhile
        stopped_.lock()->push_back(std::move(wave));
        agenda_.add_by(the_next, Agenda::Clock::now() + retry_touch);
    }
}

void Herd::put_back_again() {
    for (StoppedWave& wave : std::exchange(*stopped_.lock(), {})) put_back(std::move(wave));
}

void Herd::forget_ended() {
    learnt_.lock()->clear();
    for (const OperationId operation : waves_.operations()) {
        if (parts_.registry.operations.summary(operation).finished)
            waves_.forget(operation);
        else
            obey(operation);  // a canary may have been taken away by another operation
    }
}

}  // namespace drover
