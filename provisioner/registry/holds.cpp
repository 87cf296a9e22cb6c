// Operations that somebody, or their wave, holds or cancels.
#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "registry/copies.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

/// Error{refused} when it has ended, or moves no guests.
void expect_running(soci::session& sql, OperationId id) {
    const Operation operation = read_summary(sql, id);
    if (operation.finished) {
        throw Error(ErrorKind::refused, fmt::format("{} has ended: {}", operation_name(id), operation.outcome));
    }
    if (operation.total > 0) return;
    throw Error(ErrorKind::refused, fmt::format("{} ({}) moves no guests", operation_name(id), operation.verb));
}

void tell(Transaction& transaction, const Caller& caller, OperationId id, std::string_view what) {
    const auto owner =
        first<std::optional<std::string>>(transaction.sql, "SELECT owner FROM operations WHERE id = :id", id);
    add_event(transaction, {.kind = "operation",
                            .owner = owner.value_or(std::nullopt),
                            .operation = id,
                            .message = fmt::format("{}: {} {}", caller.who(), what, operation_name(id))});
}

/// The operation's guests with which nothing has begun are to be what they were, and its items with them end. What was
/// made already, an overlay of a higher number, stays.
std::vector<GuestId> put_back(Transaction& transaction, OperationId operation, const std::string& reason) {
    using Row = std::tuple<GuestId, Desired, std::string, std::int64_t, std::int64_t>;
    const auto found = rows<Row>(transaction.sql,
                                 "SELECT i.guest, i.was_desired, i.was_version, i.was_overlay, i.was_boot FROM items i "
                                 "JOIN guests g ON g.id = i.guest WHERE i.operation = :operation "
                                 "AND i.outcome = 'pending' AND i.begun IS NULL",
                                 operation);
    std::vector<GuestId> result;
    for (const auto& [guest, desired, version, overlay, boot] : found) {
        write(transaction.sql,
              "UPDATE guests SET desired = :desired, "
              "want_version = CASE WHEN have_version = want_version OR :version = '' THEN want_version "
              "ELSE :version END, "
              "want_overlay = CASE WHEN have_overlay = want_overlay THEN want_overlay ELSE :overlay END, "
              "want_boot = CASE WHEN have_boot = want_boot THEN want_boot ELSE :boot END, rev = rev + 1 "
              "WHERE id = :id",
              desired, version, overlay, boot, guest);
        forget_owed(transaction, guest, operation);
        result.push_back(guest);
    }
    write(transaction.sql,
          "UPDATE items SET outcome = 'cancelled', reason = :reason, ended = :now "
          "WHERE operation = :operation AND outcome = 'pending' AND begun IS NULL",
          reason, transaction.now, operation);
    return result;
}

}  // namespace

void Operations::pause(const Caller& caller, OperationId id, bool paused) {
    session_.transact("commit.operation", [&](Transaction& transaction) {
        expect_running(transaction.sql, id);
        write(transaction.sql, "UPDATE operations SET paused = :paused WHERE id = :id", paused, id);
        tell(transaction, caller, id, paused ? "pause" : "resume");
    });
}

std::optional<Operations::Canaries> Operations::canaries(OperationId id) {
    return session_.read([&](Transaction& transaction) -> std::optional<Canaries> {
        using Row = std::tuple<GuestId, std::string, std::string, std::string, std::optional<Time>>;
        const auto found = rows<Row>(transaction.sql,
                                     "SELECT i.guest, g.name, i.outcome, i.reason, i.ended FROM items i "
                                     "JOIN guests g ON g.id = i.guest WHERE i.operation = :operation AND i.canary = 1",
                                     id);
        if (found.empty()) return std::nullopt;
        Canaries result;
        for (const auto& [guest, name, outcome, reason, ended] : found) {
            if (outcome == "pending") result.pending.push_back(guest);
            if (outcome == "done" || outcome == "unchanged") result.last = std::max(result.last, ended);
            if (outcome == "superseded" || outcome == "cancelled")
                result.failed = fmt::format("canary {} was {}", name, outcome);
            if (outcome == "failed" || outcome == "refused") result.failed = fmt::format("canary {}: {}", name, reason);
        }
        const auto settle = first<long long>(transaction.sql, "SELECT settle FROM operations WHERE id = :id", id);
        result.settle = Duration(settle.value_or(0));
        return result;
    });
}

std::vector<GuestId> Operations::cancel(const Caller& caller, OperationId id, const std::string& reason) {
    return session_.transact("commit.operation", [&](Transaction& transaction) {
        expect_running(transaction.sql, id);
        write(transaction.sql, "UPDATE operations SET paused = :paused, message = :message WHERE id = :id", false,
              reason, id);
        tell(transaction, caller, id, "cancel");
        auto guests = put_back(transaction, id, reason.empty() ? "cancelled by " + caller.who() : reason);
        count_ended(transaction, id, static_cast<long long>(guests.size()));
        return guests;
    });
}

}  // namespace drover
