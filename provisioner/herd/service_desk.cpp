#include "herd/service_desk.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace drover {
namespace {

/// Whether there is nothing to do about it: what is not there cannot be up.
bool is_as_wanted(const ServiceRow& row) {
    if (row.status == ServiceStatus::unknown) return false;
    return row.up ? row.status == ServiceStatus::up || row.status == ServiceStatus::absent
                  : row.status != ServiceStatus::up;
}

double milliseconds(Act::Clock::duration time) { return std::chrono::duration<double, std::milli>(time).count(); }

}  // namespace

ServiceDesk::ServiceDesk(const Parts& parts, control::Sessions& sessions, Steps& steps)
    : parts_(parts),
      sessions_(sessions),
      steps_(steps),
      acts_(sessions, [this](const std::vector<EndedAct>& ended) { written(ended); }) {}

Services::Declared ServiceDesk::declared() const {
    return [this](const std::string& profile) -> const std::vector<Service>& {
        static const std::vector<Service> none;
        try {
            return profile == cloud_profile ? none : parts_.overlays.profile(profile).services;
        } catch (const Error&) {  // it was taken away
            return none;
        }
    };
}

Act ServiceDesk::order(GuestId guest, const std::string& service, ServiceAct act,
                       std::optional<OperationId> operation) {
    const auto n = sessions_.next_number();
    return {.guest = guest,
            .operation = operation,
            .service = service,
            .lines = {control::ServiceOrder{n, service, act}},
            .n = n};
}

std::optional<Act> ServiceDesk::keys_for(GuestId guest, OperationId operation) {
    const auto row = parts_.registry.guests.get(guest);
    if (!row || !row->owner) return std::nullopt;
    auto lines = steps_.introduction(*row);
    const auto n = std::get<control::Introduce>(lines.back()).n;
    return Act{.guest = guest, .operation = operation, .service = {}, .lines = std::move(lines), .n = n};
}

void ServiceDesk::fail(OperationId operation, GuestId guest, const std::string& why) {
    acts_.note({{.guest = guest, .operation = operation, .service = {}, .lines = {}}, why});
}

void ServiceDesk::begin_pending(const Operation& operation, const std::function<std::optional<Act>(GuestId)>& act) {
    for (const Item& item : operation.items) {
        if (item.outcome != "pending") continue;
        if (auto made = act(item.guest))
            acts_.begin(std::move(*made));
        else
            fail(operation.id, item.guest, "it is not there any more");
    }
}

Operation ServiceDesk::change(const Caller& caller, const ServiceChange& change,
                              const std::optional<std::string>& visible_owner) {
    const auto asked = Act::Clock::now();
    auto operation = parts_.registry.services.change(caller, change, visible_owner, declared());
    begin_pending(operation, [&](GuestId guest) {
        auto act = order(guest, change.service, act_of(change.verb), operation.id);
        act.asked = asked;
        return std::optional(std::move(act));
    });
    return operation;
}

Operation ServiceDesk::tell_keys(const Caller& caller, const Selection& selection,
                                 const std::optional<std::string>& visible_owner) {
    auto operation = parts_.registry.services.tell_keys(caller, selection, visible_owner);
    begin_pending(operation, [&](GuestId guest) { return keys_for(guest, operation.id); });
    return operation;
}

Operation ServiceDesk::tell_password(const Caller& caller, const PasswordChange& change,
                                     const std::optional<std::string>& visible_owner) {
    auto operation = parts_.registry.services.tell_password(caller, change, visible_owner);
    begin_pending(operation, [&](GuestId guest) {
        const auto n = sessions_.next_number();
        return std::optional<Act>({.guest = guest,
                                   .operation = operation.id,
                                   .service = {},
                                   .lines = {control::Password{n, change.user, change.hash}},
                                   .n = n});
    });
    return operation;
}

std::vector<ServiceRow> ServiceDesk::list(const Selection& selection, const std::optional<std::string>& visible_owner) {
    return parts_.registry.services.list(selection, visible_owner, declared());
}

std::vector<ServiceRow> ServiceDesk::down_though_wanted() {
    auto rows = parts_.registry.services.of_troubled(declared());
    std::erase_if(rows, [](const ServiceRow& row) {
        return !row.up || (row.status != ServiceStatus::down && row.status != ServiceStatus::failed);
    });
    return rows;
}

std::vector<ServiceRow> ServiceDesk::wanted_up() {
    auto rows = parts_.registry.services.of_all_ready(declared());
    std::erase_if(rows, [](const ServiceRow& row) { return !row.up || row.status == ServiceStatus::absent; });
    return rows;
}

Operation ServiceDesk::restart(const ServiceRow& row) {
    const Caller caller{.name = "droverd", .administrator = true};
    return change(caller, {ServiceVerb::restart, row.service, {.globs = {row.guest}, .owner = {}}}, std::nullopt);
}

void ServiceDesk::start() {
    for (const auto& pending : parts_.registry.services.pending()) take_up(pending);
    // What was not heard since the guest got ready was not brought to what is wanted.
    for (const ServiceRow& row : parts_.registry.services.of_all_ready(declared()))
        if (row.status == ServiceStatus::unknown) apply(row);
}

/// To do it twice is as good as once, but for a password, of which nothing was kept.
void ServiceDesk::take_up(const Services::Pending& pending) {
    constexpr std::string_view prefix = "service-";
    const auto [operation, guest, phase, verb, service] = pending;
    if (phase != Phase::ready) return fail(operation, guest, fmt::format("it is {}", to_text(phase)));
    if (verb.starts_with(prefix))
        return acts_.begin(order(guest, service, act_of(parse_service_verb(verb.substr(prefix.size()))), operation));
    auto keys = verb == "keys" ? keys_for(guest, operation) : std::nullopt;
    if (keys) return acts_.begin(std::move(*keys));
    fail(operation, guest, "droverd was started anew before the guest was told: ask again");
}

void ServiceDesk::apply(const ServiceRow& row) {
    acts_.begin(order(row.id, row.service, row.up ? ServiceAct::start : ServiceAct::stop));
}

void ServiceDesk::became_ready(const Guest& guest, const std::map<std::string, ServiceStatus>& known) {
    if (!guest.owner) return;
    for (ServiceRow& row : parts_.registry.services.of(guest, declared())) {
        const auto found = known.find(row.service);
        row.status = found == known.end() ? ServiceStatus::unknown : found->second;
        if (is_as_wanted(row))
            acts_.note({{.guest = guest.id, .operation = {}, .service = row.service, .lines = {}}, "", row.status});
        else
            apply(row);
    }
}

void ServiceDesk::left_ready(GuestId id, Phase phase) {
    known_.lock()->erase(id);
    acts_.lost(id, fmt::format("it is {}", to_text(phase)));
}

void ServiceDesk::noticed(GuestId id, const control::ServiceState& state) {
    {
        auto known = known_.lock();
        const auto guest = known->find(id);
        if (guest != known->end()) {
            const auto service = guest->second.find(state.name);
            if (service != guest->second.end() && service->second == state.status) return;
        }
    }
    acts_.note({{.guest = id, .operation = {}, .service = state.name, .lines = {}}, "", state.status});
}

void ServiceDesk::written(const std::vector<EndedAct>& ended) {
    std::vector<Services::Told> told;
    for (const EndedAct& one : ended)
        told.push_back({one.act.guest, one.act.operation, one.trouble, one.act.service, one.status});
    parts_.registry.services.end(told);
    {
        auto known = known_.lock();
        for (const EndedAct& one : ended)
            if (!one.act.service.empty() && one.status != ServiceStatus::unknown)
                (*known)[one.act.guest][one.act.service] = one.status;
    }
    for (const EndedAct& one : ended) tell_times(one);
}

/// What of the time between question and answer was ours.
void ServiceDesk::tell_times(const EndedAct& ended) {
    const Act& act = ended.act;
    if (!act.operation || act.told == Act::Clock::time_point{}) return;
    spdlog::info("{}: guest {}{}{}: told after {:.1f} ms, answered after {:.1f} ms, written after {:.1f} ms{}{}",
                 operation_name(*act.operation), act.guest, act.service.empty() ? "" : " ", act.service,
                 milliseconds(act.told - act.asked), milliseconds(act.answered - act.told),
                 milliseconds(Act::Clock::now() - act.answered), ended.trouble.empty() ? "" : ": ", ended.trouble);
}

}  // namespace drover
