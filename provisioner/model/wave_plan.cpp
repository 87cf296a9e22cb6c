// What a wave can say of what is to come: what the waiting wait for, and when everybody will be where they should be.
#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "model/requests.hpp"
#include "model/wave.hpp"

namespace drover {
namespace {

using End = std::pair<Instant, GuestId>;
using Ends = std::priority_queue<End, std::vector<End>, std::greater<>>;

Duration whole_seconds(Duration duration) { return std::chrono::ceil<std::chrono::seconds>(duration); }

Duration to_duration(double seconds) { return Duration(static_cast<Duration::rep>(seconds * 1000)); }

}  // namespace

std::string Wave::waits_for(GuestId id, Instant now) const {
    const auto known = tickets_.find(id);
    if (known == tickets_.end() || known->second.state != State::waiting) return "";
    const Ticket& ticket = known->second;
    if (waits_for_first(ticket)) {
        const int first = policy_of(ticket).stop_on->first;
        return fmt::format("enough of the first {} of its operation to succeed", first);
    }
    if (waits_for_canaries(ticket, now)) {
        const Canaries& canaries = *rule_of(ticket.ruled)->canaries;
        if (canaries.open_from)
            return fmt::format("the canaries to stay well, {} more", to_text(whole_seconds(*canaries.open_from - now)));
        return fmt::format("canaries of its operation, {} still on their way", canaries.pending.size());
    }
    for (const WaveClass wave : {WaveClass::stop, WaveClass::start, WaveClass::upgrade, WaveClass::refill}) {
        if (wave > ticket.wave || (wave == WaveClass::stop && ticket.wave != WaveClass::stop)) continue;
        for (const auto& [key, line] : lines_.at(static_cast<std::size_t>(wave))) {
            const bool ours = wave != ticket.wave || key.first == ticket.ruled;
            if (line.empty() || !ours) continue;
            const Ticket& first = tickets_.at(line.begin()->id);
            const Hold hold = hold_of(first, now);
            const bool concerns = hold == Hold::interval || hold == Hold::in_flight || key.second == ticket.host;
            if (hold == Hold::none || !concerns || (hold == Hold::paused && wave != ticket.wave)) continue;
            const std::string before = wave == ticket.wave ? "" : fmt::format("{}s go first: ", to_text(wave));
            return before + describe(hold, first, now);
        }
    }
    return "its turn";
}

std::vector<WaveSight> Wave::sight(Instant now) const {
    std::vector<WaveSight> sights;
    for (const WaveClass wave : all_wave_classes) {
        WaveSight sight{.wave = wave, .under_way = taken(wave)};
        for (const auto& [name, host] : hosts_) sight.limit += host.limit(wave).most();
        if (const Ticket* first = first_of(wave, {})) sight.held_by = waits_for(first->id, now);
        sights.push_back(std::move(sight));
    }
    for (const auto& [id, ticket] : tickets_)
        if (ticket.state == State::waiting) ++sights.at(static_cast<std::size_t>(ticket.wave)).waiting;
    return sights;
}

std::string Wave::describe(Hold hold, const Ticket& ticket, Instant now) const {
    const WavePolicy& policy = policy_of(ticket);
    const Host& host = hosts_.at(ticket.host);
    const auto wave = to_text(ticket.wave);
    switch (hold) {
        case Hold::none: return "its turn";
        case Hold::paused: return fmt::format("{} to be resumed", operation_name(ticket.ruled));
        case Hold::interval: {
            const Instant next = *find_pace(ticket)->log.begin() + policy.interval;
            return fmt::format("the next {} in {} ({} per {})", wave, to_text(whole_seconds(next - now)), *policy.size,
                               to_text(policy.interval));
        }
        case Hold::in_flight: return fmt::format("one of {} {}s in flight", *policy.in_flight, wave);
        case Hold::per_host: return fmt::format("one of {} {}s in flight on {}", *policy.per_host, wave, ticket.host);
        case Hold::adaptive:
            return fmt::format("one of {} in flight on {}, as many as it bears now", host.limit(ticket.wave).count(),
                               ticket.host);
        case Hold::pressure:
        case Hold::floor: return describe_brake(ticket);
        case Hold::adoption: return fmt::format("a guest that is adopted on {}", ticket.host);
    }
    return "";
}

std::string Wave::describe_brake(const Ticket& ticket) const {
    const Brakes& brakes = policy_of(ticket).brakes;
    const HostLoad& load = hosts_.at(ticket.host).load;
    const auto floor = [&](auto what, const auto& reading, const auto& least) -> std::optional<std::string> {
        if (!reading || !least || *reading >= *least) return std::nullopt;
        return fmt::format("{} on {}: {} MiB free, less than {} MiB", what, ticket.host, *reading >> 20, *least >> 20);
    };
    const auto pressure = [&](auto what, const auto& reading, const auto& most) -> std::optional<std::string> {
        if (!reading || !most || *reading <= *most) return std::nullopt;
        return fmt::format("{} pressure on {}: {:.0f} % of the last 10 s, more than {} %", what, ticket.host, *reading,
                           *most);
    };
    for (const auto& text :
         {floor("memory", load.free_memory, brakes.free_memory), floor("disk", load.free_disk, brakes.free_disk),
          pressure("memory (some)", load.memory_some, brakes.memory_some),
          pressure("memory (full)", load.memory_full, brakes.memory_full),
          pressure("io (some)", load.io_some, brakes.io_some), pressure("io (full)", load.io_full, brakes.io_full)}) {
        if (text) return *text;
    }
    return "";
}

/// This very rule, moved by a clock of its own until nobody is left, or only those whom no time lets go.
std::vector<Planned> Wave::plan(Instant now) const {
    Wave wave = *this;
    wave.planning_ = true;
    std::vector<Planned> result;
    Ends ends;
    for (auto& [name, host] : wave.hosts_) host.load = {.cores = host.load.cores};
    const auto begin = [&](GuestId id, Instant when) {
        Ticket& ticket = wave.tickets_.at(id);
        ticket.state = State::begun;
        const Instant end = std::max(now, when + to_duration(wave.expected_of(ticket)));
        ticket.begun = when;
        ends.emplace(end, id);
        result.push_back({id, ticket.name, when, end});
    };
    for (const Ticket* ticket : tickets_by_name()) {
        if (ticket->state == State::begun) begin(ticket->id, ticket->begun);
        if (ticket->state == State::called && !due_.contains({ticket->begun, ticket->turn})) begin(ticket->id, now);
    }
    for (Instant time = now;;) {
        for (const GuestId id : wave.admit(time)) begin(id, time);
        auto next = wave.wake(time);
        if (!ends.empty() && (!next || ends.top().first < *next)) next = ends.top().first;
        if (!next) break;
        time = *next;
        for (; !ends.empty() && ends.top().first <= time; ends.pop()) {
            wave.leave(ends.top().second, Ending::done, time);
        }
    }
    for (const Ticket* ticket : wave.tickets_by_name()) result.push_back({ticket->id, ticket->name, {}, {}});
    std::stable_sort(result.begin(), result.end(), [](const Planned& a, const Planned& b) {
        return a.begin.value_or(Instant::max()) < b.begin.value_or(Instant::max());
    });
    return result;
}

double Wave::expected_of(const Ticket& ticket) const {
    const AdaptiveLimit& limit = hosts_.at(ticket.host).limit(ticket.wave);
    const auto known = costs_.find(ticket.work);
    return (known == costs_.end() ? Cost{} : known->second).expected(limit.busy(), limit.cores(), limit.count());
}

}  // namespace drover
