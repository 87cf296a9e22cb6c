#include "fleet/fleet.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "model/error.hpp"
#include "model/failpoint.hpp"

namespace drover {
namespace {

constexpr Duration longest_rest = std::chrono::minutes(1);
constexpr Duration shortest_rest = std::chrono::milliseconds(500);

const Caller daemon_itself{.name = "droverd", .administrator = true};

}  // namespace

Fleet::Fleet(const Config& config, Registry& registry, CopyStore& copies,
             std::function<void(const std::vector<GuestId>&)> nudge)
    : config_(config), registry_(registry), copies_(copies), nudge_(std::move(nudge)) {}

void Fleet::start() {
    rounds_.start("fleet", 5, [this] {
        try {
            round();
        } catch (const std::exception& error) {
            spdlog::error("fleet: {}", error.what());
        }
        return until_next();
    });
}

void Fleet::wake() { rounds_.wake(); }

void Fleet::remove(const Copy& copy) {
    // An archive that somebody has put somewhere is theirs; a backup lies in our folder.
    if (copy.kind == CopyKind::backup) std::filesystem::remove(copy.file);
    if (copy.file.empty()) copies_.remove(copy.id);
    failpoint("copy.removed");
    registry_.copies.end_removal(copy.id);
}

void Fleet::round() {
    for (const Copy& copy : registry_.copies.begin_expiry()) remove(copy);
    for (const Leases::Due& due : registry_.leases.due(config_.lease_grace)) {
        try {
            take(due);
        } catch (const Error& error) {
            spdlog::warn("fleet: {}: {}", due.guest.name, error.what());
        }
    }
}

void Fleet::take(const Leases::Due& due) {
    using Step = Leases::Step;
    const auto end = to_rfc3339(due.guest.lease.value_or(Time{}));
    const auto say = [&](const std::string& message) {
        failpoint("lease.taken");
        registry_.leases.note(due, message);
    };
    switch (due.step) {
        case Step::month_left:
        case Step::week_left:
        case Step::day_left: return say(fmt::format("is lent until {}", end));
        case Step::stop:
            order(due.guest, Verb::stop);
            return say(fmt::format("was lent until {}: stopped; retired in {}", end, to_text(config_.lease_grace)));
        case Step::back_up: order(due.guest, Verb::backup); return say("is backed up before it is retired");
        case Step::retire: order(due.guest, Verb::retire); return say("is retired: its lease ended " + end);
    }
}

void Fleet::order(const Guest& guest, Verb verb) {
    const Change change{.verb = verb, .selection = {.globs = {guest.name}}};
    registry_.guests.change(daemon_itself, change, std::nullopt);
    nudge_({guest.id});
}

/// Until something ends, and not longer than a minute: clocks are set, and days are long.
Duration Fleet::until_next() {
    auto rest = longest_rest;
    if (config_.retire_keep > Duration::zero()) rest = std::min(rest, config_.retire_keep / 4);
    try {
        if (const auto expiry = registry_.copies.next_expiry()) rest = std::min(rest, *expiry);
        if (const auto lease = registry_.leases.next()) rest = std::min<Duration>(rest, *lease - now());
        if (registry_.leases.pending()) rest = std::min(rest, std::max(shortest_rest, config_.lease_grace / 10));
    } catch (const Error&) {  // the registry's disk is full, or gone: later
    }
    return std::max(rest, shortest_rest);
}

}  // namespace drover
