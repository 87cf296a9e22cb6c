#pragma once
#include <map>
#include <optional>
#include <string>

#include "model/requests.hpp"
#include "registry/session.hpp"

/// Operations, their items and events, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// What to write about a new operation.
struct NewOperation {
    std::string who, verb;
    std::string arguments;               ///< JSON
    std::optional<std::string> owner{};  ///< whose guests it is about; none: anybody's
    long long total = 0;                 ///< items that will be added
    std::string wave{};                  ///< as Operation::wave
    Duration settle{0};                  ///< how long its canaries are watched
};
OperationId begin_operation(Transaction& transaction, const NewOperation& operation);

/// Adds the items of one operation.
class ItemWriter {
  public:
    /// `act`: it is done once, beside whatever moves the guest, and has begun as it is written.
    ItemWriter(Transaction& transaction, OperationId operation, bool act = false);
    /// `outcome` "pending", or how it ended already. But for acts, the guest has no pending item of another operation;
    /// `was` is what was wanted of it before.
    void add(GuestId guest, const Guest& was, const std::string& outcome, const std::string& reason = "",
             bool canary = false);
    /// Counts the items that were added ended, and finishes the operation when all are.
    void finish();

  private:
    Transaction& transaction_;
    OperationId operation_;
    GuestId guest_ = 0;
    Guest was_;
    std::string outcome_, reason_;
    bool canary_ = false, act_ = false;
    std::optional<Time> begun_at_, ended_at_;
    long long ended_ = 0;
    soci::statement insert_;
};

/// Ends the guests' pending items because a later operation takes over.
class Superseder {
  public:
    explicit Superseder(Transaction& transaction);
    void supersede(GuestId guest);
    /// Counts the items ended so, and finishes the operations that had no others.
    void finish();

  private:
    Transaction& transaction_;
    GuestId guest_ = 0;
    OperationId operation_ = 0;
    std::map<OperationId, long long> ended_;
    soci::statement update_;
};

/// Ends the item if it is pending; finishes the operation with its last one.
void end_item(Transaction& transaction, OperationId operation, GuestId guest, const std::string& outcome,
              const std::string& reason);

/// Notes when the operation began to move the guest; only the first time counts.
void begin_item(Transaction& transaction, OperationId operation, GuestId guest);

/// Ends the operation, with an event. False when it is unknown or has ended before.
bool end_operation(Transaction& transaction, OperationId id, const std::string& outcome, const std::string& message);

/// Counts items that have ended; the last one ends the operation.
void count_ended(Transaction& transaction, OperationId operation, long long ended);

/// Without items. Error{not_found}.
Operation read_summary(soci::session& sql, OperationId id);
/// With items, by natural order of their names. Error{not_found}.
Operation read_operation(soci::session& sql, OperationId id);

/// One row to be of the log.
struct NewEvent {
    std::string kind;
    std::string guest{};                 ///< its name, or empty
    std::optional<std::string> owner{};  ///< who may see it besides administrators
    std::optional<OperationId> operation{};
    std::string message;
    std::optional<std::string> became{};  ///< as in schema/current.sql
};
void add_event(Transaction& transaction, const NewEvent& event);

}  // namespace drover
