#include <fmt/format.h>

#include <array>

#include "registry/certain_time.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

constexpr std::array notices{std::chrono::hours(24 * 30), std::chrono::hours(24 * 7), std::chrono::hours(24)};

/// How far a guest is at the end of its lease.
struct Standing {
    int told = 0;
    std::optional<Time> ended;
};

bool is_due(Leases::Step step, const Guest& guest, const Standing& standing, Time now, Time certainly, Duration grace) {
    using Step = Leases::Step;
    const auto index = static_cast<std::size_t>(step);
    if (step < Step::stop) return now >= *guest.lease - notices.at(index - 1) && now < *guest.lease;
    if (step == Step::stop) return now >= *guest.lease;
    if (guest.is_protected || !standing.ended || guest.phase != Phase::stopped || guest.copy) return false;
    return certainly >= *standing.ended + grace;
}

/// The last step that is due and not taken: who slept through a notice is told once.
std::optional<Leases::Step> next_step(const Guest& guest, const Standing& standing, Time now, Time certainly,
                                      Duration grace) {
    using Step = Leases::Step;
    std::optional<Step> result;
    for (int step = standing.told + 1; step <= static_cast<int>(Step::retire); ++step) {
        if (!is_due(Step(step), guest, standing, now, certainly, grace)) continue;
        if (result && Step(step) >= Step::stop) break;  // from the end on each in its turn
        result = Step(step);
    }
    return result;
}

}  // namespace

std::vector<Leases::Due> Leases::due(Duration grace) {
    return session_.transact("commit.lease", [&](Transaction& transaction) {
        const Time certainly = certain_time(transaction);
        const Time horizon = transaction.now + notices.front();
        const std::string ending =
            "WHERE lease <= :horizon AND phase <> 'gone' AND desired <> 'gone' AND lease_told < 6 ORDER BY id";
        std::vector<Due> result;
        const auto guests = read_guests(transaction.sql, ending, horizon);
        std::size_t at = 0;
        using Row = std::tuple<int, std::optional<Time>>;
        for (const auto& [told, ended] :
             rows<Row>(transaction.sql, "SELECT lease_told, lease_ended FROM guests " + ending, horizon)) {
            const Guest& guest = guests.at(at++);
            const auto step = next_step(guest, {told, ended}, transaction.now, certainly, grace);
            if (step) result.push_back({guest, *step});
        }
        return result;
    });
}

void Leases::note(const Due& done, const std::string& message) {
    session_.transact("commit.lease", [&](Transaction& transaction) {
        const auto ended = done.step == Step::stop ? std::optional(certain_time(transaction)) : std::nullopt;
        write(transaction.sql,
              "UPDATE guests SET lease_told = :step, lease_ended = coalesce(:ended, lease_ended) WHERE id = :id AND "
              "lease = :lease",
              static_cast<long long>(done.step), ended, done.guest.id, done.guest.lease);
        add_event(transaction,
                  {.kind = "lease", .guest = done.guest.name, .owner = done.guest.owner, .message = message});
    });
}

std::optional<Time> Leases::next() {
    return session_.read([&](Transaction& transaction) {
        return first<std::optional<Time>>(
                   transaction.sql,
                   "SELECT min(lease) FROM guests WHERE lease > :now AND phase <> 'gone' AND desired <> 'gone'",
                   transaction.now)
            .value_or(std::nullopt);
    });
}

bool Leases::pending() {
    return session_.read([&](Transaction& transaction) {
        return first<long long>(transaction.sql,
                                "SELECT id FROM guests WHERE lease <= :now AND lease_told < 6 AND phase <> 'gone' AND "
                                "desired <> 'gone' AND protected = 0 LIMIT 1",
                                transaction.now)
            .has_value();
    });
}

}  // namespace drover
