#include "registry/heals.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "registry/certain_time.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace drover {
namespace {

long long count_since(soci::session& sql, GuestId guest, const std::string& subject, Time since) {
    return *first<long long>(
        sql, "SELECT count(*) FROM heals WHERE guest = :guest AND subject = :subject AND certain > :since", guest,
        subject, since);
}

void tell(Transaction& transaction, const std::string& kind, const Guest& guest, const std::string& message) {
    add_event(transaction, {.kind = kind, .guest = guest.name, .owner = guest.owner, .message = message});
}

const std::string heals_counter = "heals/";  // and the action: how many there were, ever

const std::string is_ready_as_read =
    "rev = rev + 1 WHERE id = :id AND rev = :rev AND phase = 'ready' AND desired = 'ready' AND fault_kind IS NULL";

}  // namespace

void note_heal(Transaction& transaction, GuestId guest, const std::string& subject, const std::string& action) {
    const auto id = next_number(transaction.sql, "heal");
    const Time certain = certain_time(transaction);
    write(transaction.sql,
          "INSERT INTO heals (id, guest, subject, action, time, certain) VALUES (:id, :guest, :subject, :action, "
          ":time, :certain)",
          id, guest, subject, action, transaction.now, certain);
    next_number(transaction.sql, heals_counter + action);
}

void forget_heals(Transaction& transaction, GuestId guest) {
    write(transaction.sql, "DELETE FROM heals WHERE guest = :guest", guest);
}

Heals::Outcome Heals::restart(const Guest& guest, const Limit& limit, const std::string& why) {
    return session_.transact("commit.health", [&](Transaction& transaction) {
        const auto tries = count_since(transaction.sql, guest.id, "", certain_time(transaction) - limit.forget);
        if (tries >= limit.tries) {
            const auto message = fmt::format("{}; it was healed {} times within {}", why, tries, to_text(limit.forget));
            const bool done = write(transaction.sql,
                                    "UPDATE guests SET fault_kind = 'health', fault_message = :message, fault_since = "
                                    ":now, " +
                                        is_ready_as_read,
                                    message, transaction.now, guest.id, guest.rev) == 1;
            if (done) tell(transaction, "fault", guest, message);
            return done ? Outcome::used_up : Outcome::lost;
        }
        const bool done = write(transaction.sql, "UPDATE guests SET want_boot = want_boot + 1, " + is_ready_as_read,
                                guest.id, guest.rev) == 1;
        if (!done) return Outcome::lost;
        note_heal(transaction, guest.id, "", "restart");
        tell(transaction, "health", guest,
             fmt::format("{}; it is stopped and started again, try {} of {}", why, tries + 1, limit.tries));
        return Outcome::begun;
    });
}

Heals::Outcome Heals::begin(const Guest& guest, const std::string& subject, const Limit& limit,
                            const std::string& message) {
    return session_.transact("commit.health", [&](Transaction& transaction) {
        const auto tries = count_since(transaction.sql, guest.id, subject, certain_time(transaction) - limit.forget);
        if (tries >= limit.tries) return Outcome::used_up;
        note_heal(transaction, guest.id, subject, "service");
        tell(transaction, "health", guest, fmt::format("{}, try {} of {}", message, tries + 1, limit.tries));
        return Outcome::begun;
    });
}

long long Heals::count(GuestId guest, const std::string& subject, Duration forget) {
    return session_.read([&](Transaction& transaction) {
        return count_since(transaction.sql, guest, subject, peek_certain_time(transaction) - forget);
    });
}

std::map<GuestId, long long> Heals::counts(Duration forget) {
    return session_.read([&](Transaction& transaction) {
        const Time since = peek_certain_time(transaction) - forget;
        std::map<GuestId, long long> result;
        each<std::tuple<GuestId, long long>>(
            transaction.sql, [&](const auto& row) { result.emplace(std::get<0>(row), std::get<1>(row)); },
            "SELECT guest, count(*) FROM heals WHERE subject = '' AND certain > :since GROUP BY guest", since);
        return result;
    });
}

std::optional<Duration> Heals::forgotten_in(GuestId guest, Duration forget) {
    return session_.read([&](Transaction& transaction) -> std::optional<Duration> {
        const Time now = peek_certain_time(transaction), since = now - forget;
        const auto oldest = first<std::optional<Time>>(
            transaction.sql,
            "SELECT min(certain) FROM heals WHERE guest = :guest AND subject = '' AND certain > :since", guest, since);
        if (!oldest || !*oldest) return std::nullopt;
        return **oldest + forget - now;
    });
}

std::vector<Heals::Open> Heals::open() {
    return session_.read([](Transaction& transaction) {
        std::vector<Open> result;
        using Row = std::tuple<long long, GuestId, std::string, std::string, Time>;
        each<Row>(
            transaction.sql,
            [&](const Row& row) {
                result.push_back(std::apply([](const auto&... field) { return Open{field...}; }, row));
            },
            "SELECT id, guest, subject, action, time FROM heals WHERE ended IS NULL ORDER BY id");
        return result;
    });
}

std::map<std::string, long long> Heals::tallies() {
    return session_.read([](Transaction& transaction) {
        std::map<std::string, long long> result{{"restart", 0}, {"service", 0}, {"start", 0}};
        for (auto& [action, count] : result)
            count = first<long long>(transaction.sql, "SELECT value FROM counters WHERE name = :name",
                                     heals_counter + action)
                        .value_or(0);
        return result;
    });
}

bool Heals::is_open(GuestId guest, const std::string& subject) {
    return session_.read([&](Transaction& transaction) {
        return first<long long>(transaction.sql,
                                "SELECT id FROM heals WHERE guest = :guest AND subject = :subject AND ended IS NULL",
                                guest, subject)
            .has_value();
    });
}

void Heals::end(const Open& heal, const std::string& message) {
    session_.transact("commit.health", [&](Transaction& transaction) {
        const bool done = write(transaction.sql, "UPDATE heals SET ended = :now WHERE id = :id AND ended IS NULL",
                                transaction.now, heal.id) == 1;
        if (!done || message.empty()) return;
        const auto guests = read_guests(transaction.sql, "WHERE id = :id", heal.guest);
        if (!guests.empty()) tell(transaction, "health", guests.front(), message);
    });
}

void Heals::forget_old(Duration forget) {
    session_.transact("commit.health", [&](Transaction& transaction) {
        const Time since = certain_time(transaction) - forget;
        write(transaction.sql, "DELETE FROM heals WHERE certain <= :since AND ended IS NOT NULL", since);
    });
}

std::vector<Event> Heals::story(const std::string& guest, int limit) {
    return session_.read([&](Transaction& transaction) {
        std::vector<Event> result;
        using Row = std::tuple<long long, Time, std::string, std::string, std::optional<OperationId>, std::string>;
        each<Row>(
            transaction.sql,
            [&](const Row& row) {
                result.push_back(std::apply([](const auto&... field) { return Event{field...}; }, row));
            },
            "SELECT id, time, kind, guest, operation, message FROM events WHERE guest = :guest AND kind IN ('health', "
            "'fault') ORDER BY id DESC LIMIT :limit",
            guest, limit);
        std::reverse(result.begin(), result.end());
        return result;
    });
}

}  // namespace drover
