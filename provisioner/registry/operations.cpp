#include "registry/operations.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

const std::string select_operations =
    "SELECT id, who, verb, arguments, created, finished, outcome, total, done, message, wave, paused FROM operations";
using OperationRow = std::tuple<OperationId, std::string, std::string, std::string, Time, std::optional<Time>,
                                std::string, long long, long long, std::string, std::string, bool>;

Operation operation_of(OperationRow row) {
    return std::apply([](auto&... field) { return Operation{std::move(field)..., {}}; }, row);
}

template <typename... Values>
std::vector<Operation> read_operations(soci::session& sql, const std::string& clause, const Values&... values) {
    std::vector<Operation> result;
    for (OperationRow& row : rows<OperationRow>(sql, select_operations + " " + clause, values...)) {
        result.push_back(operation_of(std::move(row)));
    }
    return result;
}

/// What this account asked for on its owner's guests, directly or through a gateway: whatever Caller::who() adds to the
/// name begins with " (". What it asked for as an administrator, on anybody's guests, is not among it.
const std::string asked_by = "owner = :owner AND instr(who || ' (', :account || ' (') = 1";

Error no_operation(OperationId id) {
    return {ErrorKind::not_found, fmt::format("no operation '{}'", operation_name(id)), "drover operations"};
}

std::vector<Item> read_items(soci::session& sql, OperationId operation) {
    using Row =
        std::tuple<GuestId, std::string, std::string, Phase, std::string, std::optional<Time>, std::optional<Time>>;
    std::vector<Item> result;
    for (Row& row : rows<Row>(sql,
                              "SELECT i.guest, g.name, i.outcome, g.phase, i.reason, i.begun, i.ended "
                              "FROM items i JOIN guests g ON g.id = i.guest WHERE i.operation = :operation",
                              operation)) {
        result.push_back(std::apply([](auto&... field) { return Item{std::move(field)...}; }, row));
    }
    std::sort(result.begin(), result.end(), [](const Item& a, const Item& b) { return natural_less(a.name, b.name); });
    return result;
}

/// done when every item got where it should, failed when none did; cancelled when somebody cancelled some, which no
/// message explains.
std::string outcome_of(soci::session& sql, OperationId operation, long long total, const std::string& message) {
    const auto [good, cancelled] = *first<std::tuple<long long, long long>>(
        sql,
        "SELECT count(CASE WHEN outcome IN ('done', 'unchanged') THEN 1 END), "
        "count(CASE WHEN outcome = 'cancelled' THEN 1 END) FROM items WHERE operation = :operation",
        operation);
    if (good == total) return "done";
    if (cancelled > 0 && message.empty()) return "cancelled";
    return good == 0 ? "failed" : "partial";
}

}  // namespace

bool end_operation(Transaction& transaction, OperationId id, const std::string& outcome, const std::string& message) {
    using Row = std::tuple<std::string, std::optional<std::string>>;
    const auto row = first<Row>(transaction.sql,
                                "UPDATE operations SET finished = :now, outcome = :outcome, message = :message "
                                "WHERE id = :id AND finished IS NULL RETURNING verb, owner",
                                transaction.now, outcome, message, id);
    if (!row) return false;
    const auto& [verb, owner] = *row;
    const auto text =
        message.empty() ? fmt::format("{}: {}", verb, outcome) : fmt::format("{}: {}: {}", verb, outcome, message);
    add_event(transaction, {.kind = "operation", .owner = owner, .operation = id, .message = text, .became = "ended"});
    return true;
}

Operation read_summary(soci::session& sql, OperationId id) {
    auto found = read_operations(sql, "WHERE id = :id", id);
    if (found.empty()) throw no_operation(id);
    return std::move(found.front());
}

void count_ended(Transaction& transaction, OperationId operation, long long ended) {
    const auto row = first<std::tuple<long long, long long, std::string>>(
        transaction.sql, "UPDATE operations SET done = done + :ended WHERE id = :id RETURNING done, total, message",
        ended, operation);
    const auto& [done, total, message] = row.value();
    if (done != total) return;
    end_operation(transaction, operation, outcome_of(transaction.sql, operation, total, message), message);
}

OperationId begin_operation(Transaction& transaction, const NewOperation& operation) {
    const OperationId id = next_number(transaction.sql, "operation");
    write(transaction.sql,
          "INSERT INTO operations (id, who, verb, arguments, owner, created, outcome, total, wave, settle) "
          "VALUES (:id, :who, :verb, :arguments, :owner, :created, 'running', :total, :wave, :settle)",
          id, operation.who, operation.verb, operation.arguments, operation.owner, transaction.now, operation.total,
          operation.wave, operation.settle.count());
    return id;
}

ItemWriter::ItemWriter(Transaction& transaction, OperationId operation, bool act)
    : transaction_(transaction), operation_(operation), act_(act), insert_(transaction.sql) {
    prepare(insert_,
            "INSERT INTO items (operation, guest, outcome, reason, was_desired, was_version, was_overlay, was_boot, "
            "canary, act, begun, ended) VALUES (:operation, :guest, :outcome, :reason, :was_desired, :was_version, "
            ":was_overlay, :was_boot, :canary, :act, :begun, :ended)",
            operation_, guest_, outcome_, reason_, was_.desired, was_.want.version, was_.want.overlay, was_.want.boot,
            canary_, act_, begun_at_, ended_at_);
}

void ItemWriter::add(GuestId guest, const Guest& was, const std::string& outcome, const std::string& reason,
                     bool canary) {
    guest_ = guest;
    canary_ = canary;
    was_ = was;
    begun_at_ = act_ && outcome == "pending" ? std::optional(transaction_.now) : std::nullopt;
    ended_at_ = outcome == "pending" ? std::nullopt : std::optional(transaction_.now);
    outcome_ = outcome;
    reason_ = reason;
    insert_.execute(true);
    if (outcome != "pending") ++ended_;
}

void ItemWriter::finish() { count_ended(transaction_, operation_, ended_); }

Superseder::Superseder(Transaction& transaction) : transaction_(transaction), update_(transaction.sql) {
    update_.exchange(soci::into(operation_));
    prepare(update_,
            "UPDATE items SET outcome = 'superseded', ended = :now WHERE guest = :guest AND outcome = 'pending' "
            "AND act = 0 RETURNING operation",
            transaction_.now, guest_);
}

void Superseder::supersede(GuestId guest) {
    guest_ = guest;
    if (update_.execute(true)) ++ended_[operation_];
}

void Superseder::finish() {
    for (const auto& [operation, ended] : ended_) count_ended(transaction_, operation, ended);
}

void end_item(Transaction& transaction, OperationId operation, GuestId guest, const std::string& outcome,
              const std::string& reason) {
    const auto ended = write(transaction.sql,
                             "UPDATE items SET outcome = :outcome, reason = :reason, ended = :now "
                             "WHERE operation = :operation AND guest = :guest AND outcome = 'pending'",
                             outcome, reason, transaction.now, operation, guest);
    if (ended == 1) count_ended(transaction, operation, 1);
}

void begin_item(Transaction& transaction, OperationId operation, GuestId guest) {
    write(transaction.sql,
          "UPDATE items SET begun = :now WHERE operation = :operation AND guest = :guest AND outcome = 'pending' "
          "AND begun IS NULL",
          transaction.now, operation, guest);
}

Operation read_operation(soci::session& sql, OperationId id) {
    Operation operation = read_summary(sql, id);
    operation.items = read_items(sql, id);
    return operation;
}

OperationId Operations::begin(const Caller& caller, const std::string& verb, const std::string& arguments) {
    return session_.transact("commit.operation", [&](Transaction& transaction) {
        const auto id = begin_operation(transaction, {.who = caller.who(), .verb = verb, .arguments = arguments});
        add_event(transaction,
                  {.kind = "operation", .operation = id, .message = fmt::format("{}: {}", caller.who(), verb)});
        return id;
    });
}

void Operations::finish(OperationId id, const std::string& outcome, const std::string& message) {
    session_.transact("commit.operation", [&](Transaction& transaction) {
        if (!end_operation(transaction, id, outcome, message))
            read_operation(transaction.sql, id);  // not found, or ended
    });
}

Operation Operations::get(OperationId id) {
    return session_.read([&](Transaction& transaction) { return read_operation(transaction.sql, id); });
}

Operation Operations::summary(OperationId id) {
    return session_.read([&](Transaction& transaction) { return read_summary(transaction.sql, id); });
}

Operation Operations::summary_of(OperationId id, const Caller& caller, const std::string& owner) {
    return session_.read([&](Transaction& transaction) {
        auto found = read_operations(transaction.sql, "WHERE id = :id AND " + asked_by, id, owner, caller.name);
        if (found.empty()) throw no_operation(id);
        return std::move(found.front());
    });
}

std::vector<Operation> Operations::list(int limit) {
    return session_.read([&](Transaction& transaction) {
        return read_operations(transaction.sql, "ORDER BY id DESC LIMIT :limit", limit);
    });
}

std::vector<Operation> Operations::list_of(int limit, const Caller& caller, const std::string& owner) {
    return session_.read([&](Transaction& transaction) {
        return read_operations(transaction.sql, "WHERE " + asked_by + " ORDER BY id DESC LIMIT :limit", owner,
                               caller.name, limit);
    });
}

std::vector<Operation> Operations::unfinished_without_items() {
    return session_.read([&](Transaction& transaction) {
        return read_operations(transaction.sql, "WHERE finished IS NULL AND total = 0 ORDER BY id");
    });
}

}  // namespace drover
