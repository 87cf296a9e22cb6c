#include "herd/host_mode.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace drover {
namespace {

const std::string boot_note = "host.boot";  // the boot that guests were last started in
const std::string stop_note = "host.stop";  // "SINCE BUDGET" in milliseconds; empty: guests may run

/// How much of the budget is left, by a wall clock that people set: never more than all of it.
Duration left_of(const std::string& note) {
    long long since = 0, budget = 0;
    if (std::sscanf(note.c_str(), "%lld %lld", &since, &budget) != 2) return Duration::zero();
    const auto passed = now() - Time(Duration(since));
    return std::clamp<Duration>(Duration(budget) - passed, Duration::zero(), Duration(budget));
}

}  // namespace

HostMode::HostMode(Registry& registry, std::string boot_id) : registry_(registry), boot_id_(std::move(boot_id)) {
    const auto booted = registry_.note(boot_note);
    if (booted && *booted != boot_id_) start_anew();
    if (booted != boot_id_) registry_.set_note(boot_note, boot_id_);
    const auto stopped = registry_.note(stop_note).value_or("");
    if (!stopped.empty()) *force_at_.lock() = Clock::now() + left_of(stopped);
}

void HostMode::stop(Duration budget) {
    registry_.set_note(stop_note, fmt::format("{} {}", now().time_since_epoch().count(), budget.count()));
    *force_at_.lock() = Clock::now() + budget;
}

void HostMode::start() {
    if (is_stopped()) start_anew();
}

void HostMode::start_anew() {
    registry_.guests.start_anew();
    registry_.set_note(stop_note, "");
    force_at_.lock()->reset();
}

bool HostMode::is_overdue() const {
    const auto when = force_at();
    return when && Clock::now() >= *when;
}

Desired HostMode::wanted(const Guest& guest) const {
    if (!is_stopped() || guest.desired == Desired::gone) return guest.desired;
    return guest.owner ? Desired::stopped : Desired::gone;
}

}  // namespace drover
