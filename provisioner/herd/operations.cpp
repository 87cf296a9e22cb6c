// What operations say of their waves, and waves of operations.
#include <spdlog/spdlog.h>

#include <utility>

#include "herd/herd.hpp"

namespace drover {

/// What was under way when the daemon ended, and what operations said of their waves, counts as before.
void Herd::take_over() {
    for (const Operation& operation : parts_.registry.operations.ruled()) {
        waves_.rule(operation.id, rule_of(operation));
    }
    waves_.take_over(parts_.registry.guests.list({}, std::nullopt));
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
    for (const OperationId operation : waves_.operations()) {
        if (parts_.registry.operations.summary(operation).finished) waves_.forget(operation);
    }
}

OperationRule rule_of(const Operation& operation) {
    OperationRule rule{.policy = std::nullopt, .paused = operation.paused};
    if (!operation.wave.empty()) rule.policy = parse_wave_policy(operation.wave);
    return rule;
}

}  // namespace drover
