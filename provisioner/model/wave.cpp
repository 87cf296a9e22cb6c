#include "model/wave.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "model/names.hpp"

namespace drover {
namespace {

constexpr Duration let_through_after = std::chrono::minutes(5);
constexpr Duration longest_way_given = std::chrono::seconds(1);  // or who is adopted all the time empties the pool

std::size_t index(WaveClass wave) { return static_cast<std::size_t>(wave); }

/// splitmix64 (Steele, Lea, Flood 2014): mixes all bits of `x`.
std::uint64_t mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

bool above(const std::optional<double>& reading, const std::optional<int>& most) {
    return reading && most && *reading > *most;
}

bool below(const std::optional<long long>& reading, const std::optional<long long>& least) {
    return reading && least && *reading < *least;
}

}  // namespace

bool Wave::Place::operator<(const Place& other) const {
    if (retry != other.retry) return other.retry;
    if (name != other.name) return natural_less(name, other.name);
    return id < other.id;
}

Wave::Wave(const WavePolicies& policies, std::uint64_t seed) : policies_(policies), seed_(seed) {}

bool Wave::enter(const Guest& guest, Step step, Instant now) {
    if (step == Step::adopt) {
        Host& host = hosts_[guest.host];
        if (host.adopting.empty()) host.gives_way_since = now;
        host.adopting.insert(guest.id);
    }
    const auto wave = class_of(guest, step);
    if (!wave) return true;
    if (const auto known = tickets_.find(guest.id); known != tickets_.end()) {
        Ticket& ticket = known->second;
        const bool turns_round = ticket.wave == WaveClass::stop && *wave != WaveClass::stop;
        if (ticket.state == State::begun && !turns_round) return true;
        if (ticket.state == State::called && !turns_round) {
            if (now < ticket.begun) return false;
            ticket.state = State::begun;
            ticket.begun = now;
            return true;
        }
        if (ticket.wave == *wave && ticket.attempts == guest.attempts && ticket.operation == guest.operation) {
            return false;
        }
        withdraw(guest.id);
    }
    Ticket ticket = ticket_of(guest, *wave);
    if (is_put_back(ticket)) return false;
    Host& host = hosts_[guest.host];
    if (host.idles() && !host.idle_since) host.idle_since = now;
    line_up(ticket);
    tickets_.emplace(guest.id, std::move(ticket));
    return false;
}

Wave::Ticket Wave::ticket_of(const Guest& guest, WaveClass wave) const {
    const bool ruled = guest.operation && rule_of(*guest.operation) != nullptr;
    return {.id = guest.id,
            .name = guest.name,
            .host = guest.host,
            .work = fmt::format("{} {} {}", to_text(wave), guest.image, to_text(guest.kind)),
            .wave = wave,
            .operation = guest.operation,
            .ruled = ruled ? *guest.operation : 0,
            .attempts = guest.attempts};
}

Wave::Line& Wave::line_of(const Ticket& ticket) { return lines_.at(index(ticket.wave))[{ticket.ruled, ticket.host}]; }

Wave::Place Wave::place_of(const Ticket& ticket) { return {ticket.attempts > 0, ticket.name, ticket.id}; }

void Wave::line_up(const Ticket& ticket) { line_of(ticket).insert(place_of(ticket)); }

/// Out of its line, or from where it waits for the first of its operation.
void Wave::drop(const Ticket& ticket) {
    line_of(ticket).erase(place_of(ticket));
    if (auto* operation = find_operation(ticket)) operation->aside.erase(ticket.id);
}

std::vector<GuestId> Wave::admit(Instant now) {
    open_due(now);
    Closed closed;
    Closed closed_for_stops;
    admit_from(WaveClass::stop, closed_for_stops, now);
    for (const WaveClass wave : {WaveClass::start, WaveClass::upgrade, WaveClass::refill}) {
        admit_from(wave, closed, now);
    }
    std::vector<GuestId> called;
    while (!due_.empty() && due_.begin()->first.first <= now) {
        called.push_back(due_.begin()->second);
        due_.erase(due_.begin());
    }
    return called;
}

/// Whoever is held closes the way for all behind who would be held by the same.
void Wave::admit_from(WaveClass wave, Closed& closed, Instant now) {
    Closed later = closed;
    while (const Ticket* first = first_of(wave, closed)) {
        Ticket& ticket = tickets_.at(first->id);
        if (waits_for_first(ticket) || waits_for_canaries(ticket, now)) {
            drop(ticket);
            operations_[{*ticket.operation, ticket.wave}].aside.insert(ticket.id);
            continue;
        }
        const Hold hold = hold_of(ticket, now);
        hold == Hold::none ? give(ticket, now) : close(ticket, hold, closed, later);
    }
    closed = std::move(later);
}

void Wave::close(const Ticket& ticket, Hold hold, Closed& now, Closed& later) const {
    if (hold != Hold::interval && hold != Hold::in_flight && hold != Hold::paused) {
        now.lines.insert({ticket.ruled, ticket.host});
        later.hosts.insert(ticket.host);
        return;
    }
    for (const auto& [key, line] : lines_.at(index(ticket.wave))) {
        if (key.first == ticket.ruled) now.lines.insert(key);
    }
    if (hold != Hold::paused) later.everywhere = true;  // whom a person paused nobody waits for
}

const Wave::Ticket* Wave::first_of(WaveClass wave, const Closed& closed) const {
    if (closed.everywhere) return nullptr;
    const Place* first = nullptr;
    for (const auto& [key, line] : lines_.at(index(wave))) {
        if (line.empty() || closed.hosts.contains(key.second) || closed.lines.contains(key)) continue;
        if (first == nullptr || *line.begin() < *first) first = &*line.begin();
    }
    return first == nullptr ? nullptr : &tickets_.at(first->id);
}

const OperationRule* Wave::rule_of(OperationId operation) const {
    const auto found = rules_.find(operation);
    return found == rules_.end() ? nullptr : &found->second;
}

const WavePolicy& Wave::policy_of(const Ticket& ticket) const {
    const OperationRule* own = rule_of(ticket.ruled);
    return own != nullptr && own->policy ? *own->policy : policies_.of(ticket.wave);
}

const Wave::Pace* Wave::find_pace(const Ticket& ticket) const {
    const auto found = paces_.find({ticket.wave, ticket.ruled});
    return found == paces_.end() ? nullptr : &found->second;
}

/// Whether `size` of its rule began within the last `interval`.
bool Wave::is_spent(const Ticket& ticket, Instant now) const {
    const WavePolicy& policy = policy_of(ticket);
    const Pace* pace = find_pace(ticket);
    return policy.size && pace != nullptr && pace->log.size() >= static_cast<std::size_t>(*policy.size) &&
           now < *pace->log.begin() + policy.interval;
}

/// Slots that are taken under the ticket's own rule; without one, those of its class.
std::size_t Wave::taken_by_rule(const Ticket& ticket) const {
    if (ticket.ruled == 0) return taken(ticket.wave);
    const Pace* pace = find_pace(ticket);
    return pace == nullptr ? 0 : pace->taken;
}

Wave::Hold Wave::hold_of(const Ticket& ticket, Instant now) const {
    const WavePolicy& policy = policy_of(ticket);
    const Host& host = hosts_.at(ticket.host);
    if (const auto* own = rule_of(ticket.ruled); own != nullptr && own->paused) return Hold::paused;
    if (is_spent(ticket, now)) return Hold::interval;
    if (policy.in_flight && taken_by_rule(ticket) >= static_cast<std::size_t>(*policy.in_flight))
        return Hold::in_flight;
    if (ticket.wave == WaveClass::refill && gives_way(host, now)) return Hold::adoption;
    const auto here = host.taken.at(index(ticket.wave));
    if (policy.per_host && here >= static_cast<std::size_t>(*policy.per_host)) return Hold::per_host;
    if (ticket.wave != WaveClass::stop) {
        if (const Hold brake = brake_of(policy.brakes, host, now); brake != Hold::none) return brake;
    }
    return policy.adaptive && !host.limit(ticket.wave).fits() ? Hold::adaptive : Hold::none;
}

void Wave::rule(OperationId operation, const OperationRule& rule) {
    if (rule == OperationRule{} && rule_of(operation) == nullptr) return;
    rules_[operation] = rule;
    for (auto& [key, known] : operations_) {
        if (key.first == operation) open(known);  // whoever still has to wait is put aside again
    }
    for (auto& [id, ticket] : tickets_) {
        if (ticket.operation != operation || ticket.state != State::waiting || ticket.ruled == operation) continue;
        const bool was_in_line = line_of(ticket).erase(place_of(ticket)) > 0;
        ticket.ruled = operation;
        if (was_in_line) line_up(ticket);
    }
}

bool Wave::gives_way(const Host& host, Instant now) {
    return !host.adopting.empty() && now < host.gives_way_since + longest_way_given;
}

Wave::Hold Wave::brake_of(const Brakes& brakes, const Host& host, Instant now) {
    const HostLoad& load = host.load;
    if (below(load.free_memory, brakes.free_memory) || below(load.free_disk, brakes.free_disk)) return Hold::floor;
    const bool pressed = above(load.memory_some, brakes.memory_some) || above(load.memory_full, brakes.memory_full) ||
                         above(load.io_some, brakes.io_some) || above(load.io_full, brakes.io_full);
    const bool long_idle = host.idles() && host.idle_since && now - *host.idle_since >= let_through_after;
    return pressed && !long_idle ? Hold::pressure : Hold::none;
}

void Wave::give(Ticket& ticket, Instant now) {
    drop(ticket);
    ticket.state = State::called;
    ticket.given = now;
    ticket.begun = now + jitter_of(ticket);
    ticket.turn = ++given_;
    due_.emplace(std::pair(ticket.begun, ticket.turn), ticket.id);
    take(ticket);
}

void Wave::take(Ticket& ticket) {
    Host& host = hosts_[ticket.host];
    ticket.share = ticket.wave == WaveClass::stop ? 0 : costs_[ticket.work].share();
    ticket.number = host.limit(ticket.wave).begin(ticket.share);
    ++host.taken.at(index(ticket.wave));
    ++taken_.at(index(ticket.wave));
    if (ticket.wave != WaveClass::stop) host.idle_since.reset();
    if (ticket.wave == WaveClass::refill) host.gives_way_since = ticket.given;
    const WavePolicy& policy = policy_of(ticket);
    Pace& pace = pace_of(ticket);
    ++pace.taken;
    if (policy.size) {
        auto& log = pace.log;
        log.insert(ticket.given);
        if (log.size() > static_cast<std::size_t>(*policy.size)) log.erase(log.begin());
    }
    if (policy.stop_on && ticket.operation && ticket.attempts == 0) note_first(ticket, policy.stop_on->first);
}

void Wave::release(const Ticket& ticket, Instant now) {
    Host& host = hosts_[ticket.host];
    host.limit(ticket.wave).end(ticket.share);
    --host.taken.at(index(ticket.wave));
    --taken_.at(index(ticket.wave));
    --pace_of(ticket).taken;
    if (host.idles() && ticket.wave != WaveClass::stop) host.idle_since = now;
}

void Wave::note(const Guest& guest, Instant now, std::optional<double> cpu_seconds) {
    const bool is_adopted = guest.phase == Phase::parked || guest.phase == Phase::starting;
    if (const auto host = hosts_.find(guest.host); host != hosts_.end() && !is_adopted)
        host->second.adopting.erase(guest.id);
    const auto known = tickets_.find(guest.id);
    if (known == tickets_.end()) return;
    if (const auto ending = ending_of(guest, known->second.attempts)) leave(guest.id, *ending, now, cpu_seconds);
}

void Wave::leave(GuestId id, Ending ending, Instant now, std::optional<double> cpu_seconds) {
    const auto known = tickets_.find(id);
    if (known == tickets_.end()) return;
    if (known->second.state != State::begun) return withdraw(id);
    const Ticket ticket = known->second;
    tickets_.erase(known);
    learn(ticket, ending, now, cpu_seconds);
    release(ticket, now);
    count_ending(ticket, ending);
    note_canary(ticket, ending, now);
}

void Wave::learn(const Ticket& ticket, Ending ending, Instant now, std::optional<double> cpu_seconds) {
    AdaptiveLimit& limit = hosts_[ticket.host].limit(ticket.wave);
    if (ending == Ending::timed_out) limit.decrease(ticket.begun, now);
    if (ending != Ending::done) return;
    Cost& cost = costs_[ticket.work];
    const double seconds = std::chrono::duration<double>(now - ticket.begun).count();
    if (!planning_) cost.learn(seconds, limit.count(), cpu_seconds);
    if (!planning_ && limit.alone(ticket.number)) cost.learn_alone(seconds);
    limit.succeeded(cost.best > 0 ? seconds / cost.best : 1, ticket.begun, now);
}

void Wave::withdraw(GuestId id) {
    for (auto& [name, host] : hosts_) host.adopting.erase(id);
    const auto known = tickets_.find(id);
    if (known == tickets_.end()) return;
    const Ticket ticket = known->second;
    tickets_.erase(known);
    if (ticket.state == State::waiting) return drop(ticket);
    release(ticket, ticket.given);
    if (auto* operation = find_operation(ticket); operation != nullptr && operation->undecided.erase(id) > 0) {
        open(*operation);
    }
    if (ticket.state == State::begun) return;
    due_.erase({ticket.begun, ticket.turn});
    auto& log = pace_of(ticket).log;
    if (const auto entry = log.find(ticket.given); entry != log.end()) log.erase(entry);
}

void Wave::decline(GuestId id) {
    const auto known = tickets_.find(id);
    if (known == tickets_.end() || known->second.state != State::called) return;
    if (!due_.contains({known->second.begun, known->second.turn})) withdraw(id);
}

void Wave::take_over(const Guest& guest, Instant since) {
    const auto wave = class_in_flight(guest);
    if (!wave || tickets_.contains(guest.id)) return;
    Ticket& ticket = tickets_.emplace(guest.id, ticket_of(guest, *wave)).first->second;
    ticket.state = State::begun;
    ticket.given = ticket.begun = since;
    take(ticket);
}

void Wave::see(const std::string& name, const HostLoad& load, Instant now) {
    Host& host = hosts_[name];
    host.load = load;
    host.stops.set_cores(load.cores);
    host.others.set_cores(load.cores);
    host.refills.set_cores(load.cores);
    const auto brakes = [&](WaveClass wave) { return brake_of(policies_.of(wave).brakes, host, now) != Hold::none; };
    const bool braked = brakes(WaveClass::start) || brakes(WaveClass::upgrade) || brakes(WaveClass::refill);
    if (braked && !host.braked && !host.idles()) host.others.decrease(now, now);
    host.braked = braked;
}

std::optional<Instant> Wave::wake(Instant now) const {
    std::optional<Instant> first;
    const auto consider = [&](Instant when) {
        if (when > now && (!first || when < *first)) first = when;
    };
    if (!due_.empty()) consider(due_.begin()->first.first);
    for (const auto& lines : lines_) {
        for (const auto& [key, line] : lines) {
            if (line.empty()) continue;
            const Ticket& next = tickets_.at(line.begin()->id);
            if (is_spent(next, now)) consider(*find_pace(next)->log.begin() + policy_of(next).interval);
        }
    }
    for (const auto& [operation, rule] : rules_) {
        if (rule.canaries && rule.canaries->open_from) consider(*rule.canaries->open_from);
    }
    for (const auto& [name, host] : hosts_) {
        if (host.idle_since && host.braked) consider(*host.idle_since + let_through_after);
        if (!host.adopting.empty()) consider(host.gives_way_since + longest_way_given);
    }
    return first;
}

bool Wave::has_slot(GuestId id) const { return begun(id).has_value(); }

bool Wave::wants_cpu_of(GuestId id) const {
    constexpr int surely = 8;  // then one of so many
    const auto known = tickets_.find(id);
    if (known == tickets_.end() || known->second.state != State::begun || known->second.wave == WaveClass::stop) {
        return false;
    }
    const auto cost = costs_.find(known->second.work);
    return cost == costs_.end() || cost->second.known < surely || id % surely == 0;
}

std::optional<Instant> Wave::begun(GuestId id) const {
    const auto known = tickets_.find(id);
    if (known == tickets_.end() || known->second.state != State::begun) return std::nullopt;
    return known->second.begun;
}

std::size_t Wave::taken() const {
    std::size_t sum = 0;
    for (const std::size_t number : taken_) sum += number;
    return sum;
}

Duration Wave::jitter_of(const Ticket& ticket) const {
    const auto most = static_cast<std::uint64_t>(policies_.of(ticket.wave).jitter.count());
    if (most == 0) return Duration(0);
    const auto drawn =
        mixed(mixed(seed_ ^ static_cast<std::uint64_t>(ticket.id)) + static_cast<std::uint64_t>(ticket.attempts));
    return Duration(static_cast<Duration::rep>(drawn % (most + 1)));
}

}  // namespace drover
