// How a wave stops when the first of its operation fail.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "model/names.hpp"
#include "model/wave.hpp"

namespace drover {
namespace {

/// How many of the first may fail.
int allowed(const StopOn& stop_on) { return stop_on.percent * stop_on.first / 100; }

}  // namespace

const Wave::Operation* Wave::find_operation(const Ticket& ticket) const {
    if (!ticket.operation) return nullptr;
    const auto found = operations_.find({*ticket.operation, ticket.wave});
    return found == operations_.end() ? nullptr : &found->second;
}

Wave::Operation* Wave::find_operation(const Ticket& ticket) {
    return const_cast<Operation*>(std::as_const(*this).find_operation(ticket));
}

void Wave::note_first(const Ticket& ticket, int first) {
    Operation& operation = operations_[{*ticket.operation, ticket.wave}];
    if (operation.started() < first) operation.undecided.insert(ticket.id);
}

bool Wave::waits_for_first(const Ticket& ticket) const {
    const auto& stop_on = policy_of(ticket).stop_on;
    const Operation* operation = find_operation(ticket);
    if (!stop_on || operation == nullptr || !operation->stopped.empty()) return false;
    return operation->started() >= stop_on->first && operation->done < stop_on->first - allowed(*stop_on);
}

bool Wave::is_put_back(const Ticket& ticket) const {
    const Operation* operation = find_operation(ticket);
    return operation != nullptr && !operation->stopped.empty() && ticket.attempts == 0;
}

void Wave::count_ending(const Ticket& ticket, Ending ending) {
    Operation* operation = find_operation(ticket);
    const auto& stop_on = policy_of(ticket).stop_on;
    if (operation == nullptr || !stop_on || operation->undecided.erase(ticket.id) == 0) return;
    ++(ending == Ending::done ? operation->done : operation->failed);
    if (operation->failed > allowed(*stop_on)) {
        stop(ticket, fmt::format("{} of the first {} failed, more than {} %", operation->failed,
                                 operation->failed + operation->done, stop_on->percent));
    } else if (!waits_for_first(ticket)) {
        open(*operation);
    }
}

/// Retries of those that had begun go on: only what was never begun can be put back.
void Wave::stop(const Ticket& last, const std::string& reason) {
    Operation& operation = operations_[{*last.operation, last.wave}];
    operation.undecided.clear();
    operation.stopped = reason;
    open(operation);
    StoppedWave stopped{.operation = *last.operation, .reason = operation.stopped};
    for (const Ticket* ticket : tickets_by_name()) {
        const bool same = ticket->operation == last.operation && ticket->wave == last.wave;
        if (same && ticket->state == State::waiting && ticket->attempts == 0) stopped.put_back.push_back(ticket->id);
    }
    for (const GuestId guest : stopped.put_back) withdraw(guest);
    stopped_.push_back(std::move(stopped));
}

bool Wave::waits_for_canaries(const Ticket& ticket, Instant now) const {
    const OperationRule* rule = rule_of(ticket.ruled);
    if (rule == nullptr || !rule->canaries || ticket.wave == WaveClass::stop) return false;
    const Canaries& canaries = *rule->canaries;
    if (!canaries.pending.empty()) return !canaries.pending.contains(ticket.id);
    return canaries.open_from && now < *canaries.open_from;
}

/// One that fails stops the operation at once: what it is tried again for is its own.
void Wave::note_canary(const Ticket& ticket, Ending ending, Instant now) {
    const auto rule = rules_.find(ticket.ruled);
    if (rule == rules_.end() || !rule->second.canaries) return;
    Canaries& canaries = *rule->second.canaries;
    if (!canaries.pending.contains(ticket.id)) return;
    if (ending != Ending::done) {
        stop(ticket, fmt::format("canary {} failed", ticket.name));
        return;
    }
    canaries.pending.erase(ticket.id);
    if (canaries.pending.empty()) canaries.open_from = now + canaries.settle;
}

/// The canaries of some have been watched long enough.
void Wave::open_due(Instant now) {
    for (auto& [id, rule] : rules_) {
        if (!rule.canaries || !rule.canaries->open_from || now < *rule.canaries->open_from) continue;
        rule.canaries.reset();
        for (auto& [key, operation] : operations_) {
            if (key.first == id) open(operation);
        }
    }
}

/// Who waited for the first goes back into line.
void Wave::open(Operation& operation) {
    for (const GuestId id : std::exchange(operation.aside, {})) line_up(tickets_.at(id));
}

std::vector<StoppedWave> Wave::take_stopped() { return std::exchange(stopped_, {}); }

void Wave::forget(OperationId operation) {
    for (const WaveClass wave : all_wave_classes) {
        const auto found = operations_.find({operation, wave});
        if (found == operations_.end()) continue;
        open(found->second);
        operations_.erase(found);
    }
    rules_.erase(operation);
    std::erase_if(paces_, [&](const auto& entry) {
        return entry.first.second == operation && operation != 0 && entry.second.taken == 0;
    });
}

std::vector<OperationId> Wave::operations() const {
    std::set<OperationId> result;
    for (const auto& [operation, rule] : rules_) result.insert(operation);
    for (const auto& [key, operation] : operations_) result.insert(key.first);
    return {result.begin(), result.end()};
}

std::vector<const Wave::Ticket*> Wave::tickets_by_name() const {
    std::vector<const Ticket*> result;
    result.reserve(tickets_.size());
    for (const auto& [id, ticket] : tickets_) result.push_back(&ticket);
    std::sort(result.begin(), result.end(), [](const Ticket* a, const Ticket* b) {
        return Place{false, a->name, a->id} < Place{false, b->name, b->id};
    });
    return result;
}

}  // namespace drover
