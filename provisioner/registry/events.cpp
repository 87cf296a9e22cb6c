#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

using EventRow = std::tuple<long long, Time, std::string, std::string, std::optional<OperationId>, std::string>;

Event event_of(EventRow row) {
    return std::apply([](auto&... field) { return Event{std::move(field)...}; }, row);
}

}  // namespace

void add_event(Transaction& transaction, const NewEvent& event) {
    const auto id = next_number(transaction.sql, "event");
    write(transaction.sql,
          "INSERT INTO events (id, time, kind, guest, owner, operation, message) "
          "VALUES (:id, :time, :kind, :guest, :owner, :operation, :message)",
          id, transaction.now, event.kind, event.guest, event.owner, event.operation, event.message);
    transaction.event_added = true;
}

void Events::add(const std::string& kind, const std::string& guest, std::optional<OperationId> operation,
                 const std::string& message) {
    session_.transact("commit.event", [&](Transaction& transaction) {
        const auto owner =
            first<std::optional<std::string>>(transaction.sql, "SELECT owner FROM guests WHERE name = :guest", guest);
        add_event(transaction, {kind, guest, owner.value_or(std::nullopt), operation, message});
    });
}

std::vector<Event> Events::since(long long id, int limit, const std::optional<std::string>& visible_owner) {
    const std::string columns = "SELECT id, time, kind, guest, operation, message FROM events ";
    return session_.read([&](Transaction& transaction) {
        const auto found =
            visible_owner
                ? rows<EventRow>(transaction.sql,
                                 columns + "WHERE owner = :owner AND id > :id ORDER BY id LIMIT :limit", *visible_owner,
                                 id, limit)
                : rows<EventRow>(transaction.sql, columns + "WHERE id > :id ORDER BY id LIMIT :limit", id, limit);
        std::vector<Event> result;
        for (const EventRow& row : found) result.push_back(event_of(row));
        return result;
    });
}

long long Events::last() {
    return session_.read([](Transaction& transaction) {
        return *first<long long>(transaction.sql, "SELECT COALESCE(max(id), 0) FROM events");
    });
}

void Events::watch(std::function<void()> added) { session_.watch_events(std::move(added)); }

}  // namespace drover
