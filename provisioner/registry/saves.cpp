#include <fmt/format.h>

#include <algorithm>

#include "registry/copies.hpp"
#include "registry/heals.hpp"
#include "registry/openings.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/services.hpp"

namespace drover {
namespace {

/// The fields that steps and corrections change; what is desired only where they differ in it: `before` may hold what
/// the host's mode makes of it. What is desired now; nothing when somebody wrote the row since `before` was read.
std::optional<Desired> write_row(soci::session& sql, const Guest& before, const Guest& after) {
    const auto fault = after.fault.value_or(Fault{});
    const auto fault_kind = after.fault ? std::optional(fault.kind) : std::nullopt;
    const auto desired = after.desired == before.desired ? std::nullopt : std::optional(after.desired);
    return first<Desired>(
        sql,
        "UPDATE guests SET phase = :phase, desired = coalesce(:desired, desired), want_version = :want_version, "
        "want_overlay = :want_overlay, want_boot = :want_boot, have_version = :have_version, "
        "have_overlay = :have_overlay, have_boot = :have_boot, good = :good, previous = :previous, copy = :copy, keep "
        "= :keep, "
        "since = :since, attempts = :attempts, fault_kind = :fault_kind, fault_message = :fault_message, "
        "fault_since = :fault_since, started_by = :started_by, host_key = :host_key, operation = :operation, "
        "timings = :timings, rev = rev + 1 "
        "WHERE id = :id AND rev = :rev RETURNING desired",
        after.phase, desired, after.want.version, after.want.overlay, after.want.boot, after.have.version,
        after.have.overlay, after.have.boot, after.good, after.previous, after.copy, after.keep, after.since,
        after.attempts, fault_kind, fault.message, fault.since, after.started_by, after.host_key, after.operation,
        to_text(after.timings), before.id, before.rev);
}

/// A tombstone keeps its id and name for ever, and gives back what others may use.
void bury(Transaction& transaction, const Guest& guest, Duration quarantine) {
    write(transaction.sql, "UPDATE guests SET mac = NULL, host_key = '' WHERE id = :id", guest.id);
    release_address(transaction, guest.address, quarantine);
}

/// A member is where it should be for the first time: its pool makes members, and this is how long one takes.
void note_member(Transaction& transaction, const Guest& before, const Guest& after) {
    if (after.owner || !after.pool || !after.settled() || before.phase == after.phase) return;
    const bool was_there = before.phase == Phase::gone || (after.phase == Phase::parked && !before.good.empty()) ||
                           (after.phase == Phase::stopped && before.phase != Phase::reserved);
    if (was_there || after.phase == Phase::gone) return;
    const long long took = std::max(transaction.now - after.created, Duration::zero()).count();
    write(transaction.sql,
          "UPDATE pools SET made = made + 1, pace = CASE WHEN pace = 0 THEN :took ELSE (pace * 3 + :took) / 4 END, "
          "failures = CASE WHEN failed < :member THEN 0 ELSE failures END, "
          "reason = CASE WHEN failed < :member THEN '' ELSE reason END WHERE id = :pool",
          took, after.id, *after.pool);
}

/// The phase that the guest got into. One that was built is not one that stopped.
std::optional<std::string> became(const Guest& before, const Guest& after) {
    const bool is_fresh = before.phase == Phase::reserved && after.phase == Phase::stopped;
    return after.phase == before.phase || is_fresh ? std::nullopt : std::optional(std::string(to_text(after.phase)));
}

bool is_moving(Phase phase) { return phase == Phase::starting || phase == Phase::stopping; }

/// How far `after` brought the operation that wrote the guest last; `message` says what happened. `given_up`: what was
/// owed will not be made.
void note_item_of(Transaction& transaction, const Guest& before, const Guest& after, const std::string& message,
                  bool given_up) {
    if (!before.operation) return;
    if (given_up && after.phase != Phase::gone)
        return end_item(transaction, *before.operation, before.id, "failed", message);
    if (after.want.version !=
        before.want.version) {  // it does not come up with what was wanted: not what was asked for
        end_item(transaction, *before.operation, before.id, "failed",
                 fmt::format("{}; back to {}", message, after.want.version));
        return;
    }
    if (is_moving(after.phase) && after.phase != before.phase) begin_item(transaction, *before.operation, before.id);
    if (after.fault) {
        end_item(transaction, *before.operation, before.id, "failed", after.fault->message);
    } else if (after.settled()) {
        end_item(transaction, *before.operation, before.id, "done", "");
    }
}

}  // namespace

bool Guests::save(const Guest& before, const Guest& after, const std::string& kind, const std::string& message,
                  const std::vector<MadeCopy>& made, const std::string& heal) {
    return session_.transact("commit.step", [&](Transaction& transaction) {
        const auto desired = write_row(transaction.sql, before, after);
        if (!desired) return false;
        const bool is_gone = after.phase == Phase::gone && before.phase != Phase::gone;
        if (is_gone) bury(transaction, before, rules_.quarantine);
        if (!made.empty() || is_gone || before.copy != after.copy)
            note_copies(transaction, before.id, made, !after.copy);
        if (!message.empty()) {
            add_event(transaction, {kind, before.name, before.owner, before.operation, message, became(before, after)});
        }
        if (!heal.empty()) note_heal(transaction, before.id, "", heal);
        if (is_gone) forget_heals(transaction, before.id);
        if (is_gone) close_all(transaction, before, "the guest is gone");
        if (before.phase == Phase::ready && after.phase != Phase::ready) forget_services(transaction, before.id);
        Guest row = after;
        row.desired = *desired;
        note_member(transaction, before, row);
        note_item_of(transaction, before, row, message, before.copy && !after.copy && made.empty());
        return true;
    });
}

}  // namespace drover
