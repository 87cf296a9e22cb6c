// The rung for services: who is wanted up and is down is restarted.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "health/health.hpp"

namespace drover {
namespace {

constexpr Duration time_to_be_up = std::chrono::minutes(2);
constexpr Duration least_patience = std::chrono::seconds(10);  // until a restart is thought to have done nothing

}  // namespace

/// Once an interval: who has them and what is wanted changes seldom.
void Health::learn_services(Clock::time_point now) {
    if (!parts_.services_wanted || (learnt_ && now - *learnt_ < interval_)) return;
    learnt_ = now;
    wanted_.clear();
    for (const ServiceRow& row : parts_.services_wanted()) wanted_[row.id].push_back(row);
    std::erase_if(services_, [&](const auto& entry) { return !wanted_.contains(entry.first.first); });
}

/// One that nobody knows is being brought to what is wanted of it, and that may take its time.
std::vector<std::string> Health::services_to_ask(const Pulse& pulse, Clock::time_point now) {
    const auto found = wanted_.find(pulse.id);
    if (found == wanted_.end() || !pulse.ready_since) return {};
    std::vector<std::string> names;
    for (const ServiceRow& row : found->second) {
        if (row.status == ServiceStatus::unknown && now - *pulse.ready_since < time_to_be_up) continue;
        services_[{row.id, row.service}].asked = drover::now();
        names.push_back(row.service);
    }
    return names;
}

/// What was found down by asking is restarted at once. What somebody stopped is left for an interval: they may want to
/// look at something.
void Health::mend_services(const Look& look) {
    if (!parts_.services_down) return;
    std::set<GuestId> due;
    for (const Pulse& pulse : look.due) due.insert(pulse.id);
    down_.clear();
    for (const ServiceRow& row : parts_.services_down()) {
        const auto key = *down_.emplace(row.id, row.service).first;
        const auto memory = services_.find(key);
        const bool found_by_us = memory != services_.end() && row.since && *row.since >= memory->second.asked;
        const bool waited = due.contains(row.id) && row.since && now() - *row.since >= interval_;
        if (found_by_us || waited || (memory != services_.end() && memory->second.restarted))
            mend(row, fmt::format("service {} is {}, and wanted up", row.service, to_text(row.status)), look.now);
    }
    for (const auto& [row, why] : std::exchange(*failing_.lock(), {}))
        if (is_wanted(row)) mend(row, why, look.now);
    for (auto& [key, memory] : services_)
        if (!down_.contains(key)) memory.given_up = false;
}

bool Health::is_wanted(const ServiceRow& row) const {
    const auto found = wanted_.find(row.id);
    return found != wanted_.end() && std::any_of(found->second.begin(), found->second.end(),
                                                 [&](const ServiceRow& one) { return one.service == row.service; });
}

void Health::mend(const ServiceRow& row, const std::string& why, Clock::time_point now) {
    ServiceMemory& memory = services_[{row.id, row.service}];
    if (memory.restarted && now - *memory.restarted < std::max(interval_, least_patience)) return;
    const auto pulse = parts_.pulse(row.id);
    if (!pulse || !pulse->is_watched()) return;
    if (const auto why_not = held(); !why_not.empty())
        return decide(row.id, row.service + why_not, fmt::format("{}; nothing is done: {}", why, why_not));
    const auto guest = parts_.registry.guests.get(row.id);
    if (!guest || guest->phase != Phase::ready || guest->desired != Desired::ready || guest->fault) return;
    const auto outcome = parts_.registry.heals.begin(*guest, row.service, limit(), why + "; it is restarted");
    if (outcome == Heals::Outcome::used_up) {
        if (std::exchange(memory.given_up, true)) return;
        parts_.registry.events.add("health", guest->name, std::nullopt,
                                   fmt::format("{}; it was restarted {} times within {}: it is left so", why,
                                               limit().tries, to_text(limit().forget)));
        return;
    }
    spdlog::warn("{}: {}", guest->name, why);
    memory.restarted = now;
    parts_.restart_service(row);
}

/// True: it is over.
bool Health::tend_service(const Heals::Open& heal) {
    const ServiceKey key{heal.guest, heal.subject};
    const auto memory = services_.find(key);
    if (down_.contains(key) && parts_.services_down) return false;
    if (memory != services_.end()) memory->second.restarted.reset();
    const auto guest = parts_.registry.guests.get(heal.guest);
    const bool is_moot = !guest || guest->phase != Phase::ready;
    const auto took = std::max(now() - heal.time, Duration::zero());
    parts_.registry.heals.end(
        heal, is_moot ? "" : fmt::format("service {} is up again after {}", heal.subject, health::in_words(took)));
    return true;
}

void Health::mend_service(GuestId id, const std::string& service, const std::string& why) {
    const auto guest = parts_.registry.guests.get(id);
    if (!guest || !parts_.services_wanted) return;
    failing_.lock()->push_back({ServiceRow{.id = id, .guest = guest->name, .service = service}, why});
}

}  // namespace drover
