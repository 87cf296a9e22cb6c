#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

const std::string select_events = "SELECT id, time, kind, guest, operation, message FROM events ";
using EventRow = std::tuple<long long, Time, std::string, std::string, std::optional<OperationId>, std::string>;

Event event_of(EventRow row) {
    return std::apply([](auto&... field) { return Event{std::move(field)...}; }, row);
}

/// Which events are this happening.
std::string condition_of(Happening happening) {
    switch (happening) {
        case Happening::ready: return "became = 'ready'";
        case Happening::stopped: return "became = 'stopped'";
        case Happening::gone: return "became = 'gone'";
        case Happening::fault: return "kind = 'fault'";
        case Happening::wave_done:
            return "became = 'ended' AND operation IN (SELECT id FROM operations WHERE total > 1)";
    }
    return "FALSE";
}

long long last_event(soci::session& sql) { return *first<long long>(sql, "SELECT COALESCE(max(id), 0) FROM events"); }

}  // namespace

void add_event(Transaction& transaction, const NewEvent& event) {
    const auto id = next_number(transaction.sql, "event");
    write(transaction.sql,
          "INSERT INTO events (id, time, kind, guest, owner, operation, message, became) "
          "VALUES (:id, :time, :kind, :guest, :owner, :operation, :message, :became)",
          id, transaction.now, event.kind, event.guest, event.owner, event.operation, event.message, event.became);
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
    return session_.read([&](Transaction& transaction) {
        const auto found =
            visible_owner
                ? rows<EventRow>(transaction.sql,
                                 select_events + "WHERE owner = :owner AND id > :id ORDER BY id LIMIT :limit",
                                 *visible_owner, id, limit)
                : rows<EventRow>(transaction.sql, select_events + "WHERE id > :id ORDER BY id LIMIT :limit", id, limit);
        std::vector<Event> result;
        for (const EventRow& row : found) result.push_back(event_of(row));
        return result;
    });
}

long long Events::last() {
    return session_.read([](Transaction& transaction) { return last_event(transaction.sql); });
}

Events::Batch Events::happened(Happening happening, long long id, int limit) {
    return session_.read([&](Transaction& transaction) {
        Batch batch;
        each<EventRow>(
            transaction.sql, [&](const EventRow& row) { batch.events.push_back(event_of(row)); },
            select_events + "WHERE id > :id AND " + condition_of(happening) + " ORDER BY id LIMIT :limit", id, limit);
        const bool is_all = batch.events.size() < static_cast<std::size_t>(limit);
        batch.up_to = is_all ? last_event(transaction.sql) : batch.events.back().id;
        return batch;
    });
}

void Events::watch(std::function<void()> added) { session_.watch_events(std::move(added)); }

}  // namespace drover
