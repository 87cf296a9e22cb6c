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

Wave::Operation* Wave::find_operation(const Ticket& ticket) {
    if (!ticket.operation) return nullptr;
    const auto found = operations_.find(*ticket.operation);
    return found == operations_.end() ? nullptr : &found->second;
}

void Wave::note_first(const Ticket& ticket, int first) {
    Operation& operation = operations_[*ticket.operation];
    if (operation.started() < first) operation.undecided.insert(ticket.id);
}

bool Wave::waits_for_first(const Ticket& ticket) const {
    const auto& stop_on = policies_.of(ticket.wave).stop_on;
    if (!stop_on || !ticket.operation) return false;
    const auto found = operations_.find(*ticket.operation);
    if (found == operations_.end() || !found->second.stopped.empty()) return false;
    const Operation& operation = found->second;
    return operation.started() >= stop_on->first && operation.done < stop_on->first - allowed(*stop_on);
}

bool Wave::is_put_back(const Guest& guest) const {
    if (!guest.operation || guest.attempts > 0) return false;
    const auto found = operations_.find(*guest.operation);
    return found != operations_.end() && !found->second.stopped.empty();
}

void Wave::count_ending(const Ticket& ticket, Ending ending) {
    Operation* operation = find_operation(ticket);
    const auto& stop_on = policies_.of(ticket.wave).stop_on;
    if (operation == nullptr || !stop_on || operation->undecided.erase(ticket.id) == 0) return;
    ++(ending == Ending::done ? operation->done : operation->failed);
    if (operation->failed > allowed(*stop_on)) {
        stop(*ticket.operation, *stop_on);
    } else if (!waits_for_first(ticket)) {
        open(*operation);
    }
}

/// Retries of those that had begun go on: only what was never begun can be put back.
void Wave::stop(OperationId id, const StopOn& stop_on) {
    Operation& operation = operations_.at(id);
    operation.undecided.clear();
    operation.stopped = fmt::format("{} of the first {} failed, more than {} %", operation.failed,
                                    operation.failed + operation.done, stop_on.percent);
    open(operation);
    StoppedWave stopped{.operation = id, .reason = operation.stopped};
    for (const Ticket* ticket : tickets_by_name()) {
        const bool not_begun = ticket->state == State::waiting && ticket->attempts == 0;
        if (ticket->operation == id && not_begun) stopped.put_back.push_back(ticket->id);
    }
    for (const GuestId guest : stopped.put_back) withdraw(guest);
    stopped_.push_back(std::move(stopped));
}

/// Who waited for the first goes back into line.
void Wave::open(Operation& operation) {
    for (const GuestId id : std::exchange(operation.aside, {})) line_up(tickets_.at(id));
}

std::vector<StoppedWave> Wave::take_stopped() { return std::exchange(stopped_, {}); }

void Wave::forget(OperationId operation) {
    const auto found = operations_.find(operation);
    if (found == operations_.end()) return;
    open(found->second);
    operations_.erase(found);
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
