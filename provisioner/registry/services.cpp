#include "registry/services.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/error.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/selected.hpp"
#include "registry/sql.hpp"

namespace soci {
template <>
struct type_conversion<drover::ServiceStatus> : WordConversion<drover::ServiceStatus, drover::parse_service_status> {};
}  // namespace soci

namespace drover {
namespace {

const std::string verb_prefix = "service-";

/// How one item begins or has ended.
struct Judgement {
    std::string outcome = "pending";
    std::string reason{};
};

std::string names_of(const std::vector<Service>& services) {
    std::vector<std::string> names;
    for (const Service& service : services) names.push_back(service.name);
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

/// An operation of acts, with what `judge(const Guest&)` says of each guest.
template <typename Judge>
OperationId begin_acts(Transaction& transaction, const NewOperation& operation, const std::vector<Guest>& guests,
                       Judge&& judge) {
    const auto id = begin_operation(transaction, operation);
    add_event(transaction, {.kind = "operation",
                            .owner = operation.owner,
                            .operation = id,
                            .message = fmt::format("{}: {} {} guests", operation.who, operation.verb, guests.size())});
    ItemWriter items(transaction, id, true);
    for (const Guest& guest : guests) {
        const Judgement judgement = judge(guest);
        items.add(guest.id, guest, judgement.outcome, judgement.reason);
    }
    items.finish();
    return id;
}

NewOperation operation_of(const Caller& caller, const std::string& verb, const nlohmann::json& arguments,
                          const Selection& selection, const std::optional<std::string>& visible_owner,
                          std::size_t guests) {
    return {.who = caller.who(),
            .verb = verb,
            .arguments = arguments.dump(),
            .owner = selection.owner ? selection.owner : visible_owner,
            .total = static_cast<long long>(guests)};
}

/// Error{not_found} when no profile of these guests declares it.
void check_declared(const std::vector<Guest>& guests, const std::string& service, const Services::Declared& declared) {
    std::set<std::string> known;
    for (const Guest& guest : guests)
        for (const Service& one : declared(guest.profile)) known.insert(one.name);
    if (known.contains(service)) return;
    throw Error(ErrorKind::not_found, fmt::format("no service '{}'", service),
                known.empty() ? "their profiles declare none" : fmt::format("declared: {}", fmt::join(known, ", ")));
}

std::optional<std::string> wanted_now(soci::session& sql, GuestId guest, const std::string& service) {
    const auto found = first<std::optional<std::string>>(
        sql, "SELECT wanted FROM services WHERE guest = :guest AND service = :service", guest, service);
    return found.value_or(std::nullopt);
}

/// What the profile wants anyway is not written. False: it was so.
bool write_wanted(soci::session& sql, GuestId guest, const Service& service, bool up) {
    const auto wanted = up == service.up ? std::nullopt : std::optional<std::string>(up ? "up" : "down");
    if (wanted_now(sql, guest, service.name) == wanted) return false;
    write(sql,
          "INSERT INTO services (guest, service, wanted) VALUES (:guest, :service, :wanted) "
          "ON CONFLICT (guest, service) DO UPDATE SET wanted = excluded.wanted",
          guest, service.name, wanted);
    return true;
}

Judgement judge(soci::session& sql, const Guest& guest, const ServiceChange& change, const std::vector<Service>& all) {
    const Service* service = find_service(all, change.service);
    if (service == nullptr)
        return {"refused", fmt::format("its profile '{}' declares no service '{}': {}", guest.profile, change.service,
                                       names_of(all))};
    const bool lasts = is_lasting(change.verb);
    const bool is_new = lasts && write_wanted(sql, guest.id, *service, change.verb == ServiceVerb::enable);
    if (guest.phase == Phase::ready) return {};
    if (lasts) return {is_new ? "done" : "unchanged"};
    return {"refused", fmt::format("it is {}: only a guest that is ready can {} a service", to_text(guest.phase),
                                   to_text(change.verb))};
}

void note_status(Transaction& transaction, const Services::Told& told) {
    if (told.service.empty() || told.status == ServiceStatus::unknown) return;
    write(transaction.sql,
          "INSERT INTO services (guest, service, status, since) SELECT id, :service, :status, :now FROM guests "
          "WHERE id = :guest AND phase = 'ready' ON CONFLICT (guest, service) DO UPDATE SET "
          "since = excluded.since, status = excluded.status WHERE services.status <> excluded.status",
          told.service, told.status, transaction.now, told.guest);
}

using Known = std::tuple<GuestId, std::string, std::optional<std::string>, ServiceStatus, std::optional<Time>>;

class Book {
  public:
    Book(soci::session& sql, const std::vector<Guest>& guests) {
        constexpr std::size_t few = 100;
        const std::string select = "SELECT guest, service, wanted, status, since FROM services";
        if (guests.size() > few)
            learn(rows<Known>(sql, select));
        else
            for (const Guest& guest : guests) learn(rows<Known>(sql, select + " WHERE guest = :guest", guest.id));
    }

    void add_rows(std::vector<ServiceRow>& result, const Guest& guest, const std::vector<Service>& declared) const {
        for (const Service& service : declared) {
            ServiceRow row{.id = guest.id, .guest = guest.name, .service = service.name, .priority = service.priority};
            const auto found = known_.find({guest.id, service.name});
            const auto entry = found == known_.end() ? Entry{} : found->second;
            row.up = entry.wanted ? *entry.wanted == "up" : service.up;
            row.status = entry.status;
            row.since = entry.since;
            result.push_back(std::move(row));
        }
    }

  private:
    void learn(const std::vector<Known>& known) {
        for (const auto& [guest, service, wanted, status, since] : known)
            known_[{guest, service}] = {wanted, status, since};
    }

    struct Entry {
        std::optional<std::string> wanted;
        ServiceStatus status = ServiceStatus::unknown;
        std::optional<Time> since;
    };
    std::map<std::pair<GuestId, std::string>, Entry> known_;
};

std::vector<ServiceRow> rows_of(soci::session& sql, const std::vector<Guest>& guests,
                                const Services::Declared& declared) {
    const Book book(sql, guests);
    std::vector<ServiceRow> result;
    for (const Guest& guest : guests) book.add_rows(result, guest, declared(guest.profile));
    return result;
}

}  // namespace

void forget_services(Transaction& transaction, GuestId guest) {
    write(transaction.sql,
          "UPDATE services SET status = 'unknown', since = :now WHERE guest = :guest AND status <> 'unknown'",
          transaction.now, guest);
}

Operation Services::change(const Caller& caller, const ServiceChange& change,
                           const std::optional<std::string>& visible_owner, const Declared& declared) {
    return session_.transact("commit.act", [&](Transaction& transaction) {
        const auto guests = selected(transaction.sql, change.selection, visible_owner);
        check_declared(guests, change.service, declared);
        auto arguments = told(change.selection);
        arguments["service"] = change.service;
        const auto verb = fmt::format("{}{}", verb_prefix, to_text(change.verb));
        const auto id = begin_acts(
            transaction, operation_of(caller, verb, arguments, change.selection, visible_owner, guests.size()), guests,
            [&](const Guest& guest) { return judge(transaction.sql, guest, change, declared(guest.profile)); });
        return read_operation(transaction.sql, id);
    });
}

Operation Services::tell_keys(const Caller& caller, const Selection& selection,
                              const std::optional<std::string>& visible_owner) {
    return session_.transact("commit.act", [&](Transaction& transaction) {
        const auto guests = selected(transaction.sql, selection, visible_owner);
        const auto operation = operation_of(caller, "keys", told(selection), selection, visible_owner, guests.size());
        const auto id = begin_acts(transaction, operation, guests, [](const Guest& guest) -> Judgement {
            if (!guest.owner) return {"refused", "it belongs to nobody"};
            if (guest.phase == Phase::ready) return {};
            return {"refused", fmt::format("it is {}: it gets the keys when it starts", to_text(guest.phase))};
        });
        return read_operation(transaction.sql, id);
    });
}

Operation Services::tell_password(const Caller& caller, const PasswordChange& change,
                                  const std::optional<std::string>& visible_owner) {
    return session_.transact("commit.act", [&](Transaction& transaction) {
        const Selection selection{.globs = {change.guest}, .owner = {}};
        const auto guests = selected(transaction.sql, selection, visible_owner);
        const nlohmann::json arguments{{"guest", change.guest}, {"user", change.user}};
        const auto operation = operation_of(caller, "passwd", arguments, selection, visible_owner, guests.size());
        const auto id = begin_acts(transaction, operation, guests, [](const Guest& guest) -> Judgement {
            if (guest.phase == Phase::ready) return {};
            return {"refused",
                    fmt::format("it is {}: only a guest that is ready takes a password", to_text(guest.phase))};
        });
        return read_operation(transaction.sql, id);
    });
}

void Services::end(const std::vector<Told>& told) {
    session_.transact("commit.act", [&](Transaction& transaction) {
        for (const Told& one : told) {
            note_status(transaction, one);
            if (one.operation)
                end_item(transaction, *one.operation, one.guest, one.trouble.empty() ? "done" : "failed", one.trouble);
        }
    });
}

std::vector<Services::Pending> Services::pending() {
    using Row = std::tuple<OperationId, GuestId, Phase, std::string, std::string>;
    const auto found = session_.read([](Transaction& transaction) {
        return rows<Row>(transaction.sql,
                         "SELECT i.operation, i.guest, g.phase, o.verb, o.arguments FROM items i "
                         "JOIN operations o ON o.id = i.operation JOIN guests g ON g.id = i.guest "
                         "WHERE i.outcome = 'pending' AND i.act = 1 ORDER BY i.operation, i.guest");
    });
    std::vector<Pending> result;
    for (const auto& [operation, guest, phase, verb, arguments] : found)
        result.push_back(
            {operation, guest, phase, verb, nlohmann::json::parse(arguments).value("service", std::string())});
    return result;
}

std::vector<ServiceRow> Services::list(const Selection& selection, const std::optional<std::string>& visible_owner,
                                       const Declared& declared) {
    return session_.read([&](Transaction& transaction) {
        return rows_of(transaction.sql, selected(transaction.sql, selection, visible_owner), declared);
    });
}

std::vector<ServiceRow> Services::of(const Guest& guest, const Declared& declared) {
    return session_.read([&](Transaction& transaction) { return rows_of(transaction.sql, {guest}, declared); });
}

std::vector<ServiceRow> Services::of_all_ready(const Declared& declared) {
    return session_.read([&](Transaction& transaction) {
        const auto guests = read_guests(transaction.sql, "WHERE phase = 'ready' AND owner IS NOT NULL ORDER BY id");
        return rows_of(transaction.sql, guests, declared);
    });
}

std::vector<ServiceRow> Services::of_troubled(const Declared& declared) {
    return session_.read([&](Transaction& transaction) {
        const auto guests = read_guests(transaction.sql,
                                        "WHERE phase = 'ready' AND owner IS NOT NULL AND id IN (SELECT guest FROM "
                                        "services WHERE status IN ('down', 'failed')) ORDER BY id");
        return rows_of(transaction.sql, guests, declared);
    });
}

}  // namespace drover
