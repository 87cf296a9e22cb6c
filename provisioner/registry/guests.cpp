#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/copies.hpp"
#include "registry/guest_writer.hpp"
#include "registry/idempotency.hpp"
#include "registry/operations.hpp"
#include "registry/owners.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/taking.hpp"
#include "registry/versions.hpp"

namespace drover {
namespace {

// ---- request: who asks for what ------------------------------------------------------------------------------------

constexpr long long largest_request = 10000;

struct Account {
    std::string name;
    long long quota = 0;
};

/// The owner that the request names, else the one whose login the caller is.
Account owner_of(soci::session& sql, const Caller& caller, const GuestRequest& request) {
    using Row = std::tuple<std::string, long long>;
    const auto row = request.owner
                         ? first<Row>(sql, "SELECT name, quota FROM owners WHERE name = :name", *request.owner)
                         : first<Row>(sql, "SELECT name, quota FROM owners WHERE login = :login", caller.name);
    if (row) return {std::get<0>(*row), std::get<1>(*row)};
    if (request.owner) {
        throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", *request.owner),
                    fmt::format("drover owner set {}", *request.owner));
    }
    throw Error(ErrorKind::not_found, fmt::format("no owner has the login '{}'", caller.name),
                fmt::format("name one with --owner, or drover owner set NAME --login {}", caller.name));
}

/// The request as JSON with its keys in order: equal requests give equal texts.
std::string canonical(const std::string& owner, const GuestRequest& request) {
    nlohmann::json json{{"owner", owner}, {"count", request.count}};
    if (request.image) json["image"] = *request.image;
    if (request.profile) json["profile"] = *request.profile;
    if (request.kind) json["kind"] = to_text(*request.kind);
    if (request.network) json["network"] = *request.network;
    if (request.additional) json["additional"] = true;
    return json.dump();
}

// ---- request: what there is already --------------------------------------------------------------------------------

/// What a request compares of a guest: name, image, profile, kind, network.
using Kept = std::tuple<std::string, std::string, std::string, Kind, std::string>;

/// The owner's guests that are not gone, nor on their way to it.
std::vector<Kept> guests_kept(soci::session& sql, const std::string& owner) {
    return rows<Kept>(sql,
                      "SELECT name, image, profile, kind, network FROM guests "
                      "WHERE owner = :owner AND phase <> 'gone' AND desired <> 'gone'",
                      owner);
}

/// The names of those that match every selector given, whatever state they are in.
std::vector<std::string> matching(const std::vector<Kept>& guests, const GuestRequest& request) {
    const auto agrees = [](const auto& selector, const auto& value) { return !selector || *selector == value; };
    std::vector<std::string> names;
    for (const auto& [name, image, profile, kind, network] : guests) {
        if (agrees(request.image, image) && agrees(request.profile, profile) && agrees(request.kind, kind) &&
            agrees(request.network, network)) {
            names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end(), natural_less);
    return names;
}

// ---- request: making the shortfall ---------------------------------------------------------------------------------

/// What the caller chose may have been removed since.
void check_version(soci::session& sql, const std::string& image, const std::string& version) {
    if (is_version(sql, image, version)) return;
    throw Error(ErrorKind::refused, fmt::format("version {} of '{}' was removed at the same moment", version, image),
                "try again");
}

/// What all guests of a request have in common.
Guest pattern(const std::string& owner, const GuestRequest& request, const Reservation& defaults, Time now) {
    Guest guest;
    guest.owner = owner;
    guest.kind = request.kind.value_or(defaults.kind);
    guest.image = request.image.value_or(defaults.image);
    guest.profile = request.profile.value_or(defaults.profile);
    guest.host = defaults.host;
    guest.network = defaults.network.name;
    guest.phase = Phase::reserved;
    guest.desired = Desired::ready;
    guest.want = {defaults.version, 1, 1};
    guest.since = guest.created = now;
    return guest;
}

/// New guests with an item of the operation each: those that were taken out of a pool, and one more at each address;
/// their names.
std::vector<std::string> add_guests(Transaction& transaction, Guest pattern, const std::vector<Guest>& taken,
                                    const std::vector<Address>& addresses, OperationId operation) {
    pattern.operation = operation;
    const std::string owner = *pattern.owner;
    ItemWriter items(transaction, operation);
    std::vector<std::string> names;
    const auto add = [&](const Guest& guest) {
        const Guest unborn{.desired = Desired::stopped};  // cancelled before it was started, it has nothing to lose
        items.add(guest.id, unborn, "pending");
        names.push_back(guest.name);
    };
    for (const Guest& guest : taken) add(guest);
    GuestWriter guests(transaction, std::move(pattern), owner);
    for (const Address address : addresses) add(guests.add(address));
    guests.finish();
    items.finish();
    return names;
}

// ---- list ----------------------------------------------------------------------------------------------------------

bool is_listed(const Guest& guest, const ListQuery& query) {
    const auto& [globs, owner, all] = query.selection;
    if (owner && guest.owner != owner) return false;
    const auto names_it = [&](const std::string& glob) { return glob_matches(glob, guest.name); };
    return globs.empty() || std::any_of(globs.begin(), globs.end(), names_it);
}

}  // namespace

GuestReservation Guests::request(const Caller& caller, const GuestRequest& request, const Reservation& defaults) {
    if (request.count < 1 || request.count > largest_request) {
        throw Error(ErrorKind::usage, fmt::format("count {}: must be 1 to {}", request.count, largest_request));
    }
    return session_.transact("commit.request", [&](Transaction& transaction) {
        const auto owner = owner_of(transaction.sql, caller, request);
        const MarkedRequest marked{caller.who(), request.idempotency_key, canonical(owner.name, request)};
        if (auto answer = first_answer(transaction, marked)) return *answer;

        const auto kept = guests_kept(transaction.sql, owner.name);
        const auto existing = matching(kept, request);
        const auto there = request.additional ? 0 : static_cast<long long>(existing.size());
        const auto shortfall = std::max(0LL, request.count - there);
        check_quota(owner.name, owner.quota, static_cast<long long>(kept.size()), shortfall);
        if (shortfall > 0) check_version(transaction.sql, request.image.value_or(defaults.image), defaults.version);

        const auto operation =
            begin_operation(transaction, {caller.who(), "request", marked.text, owner.name, shortfall});
        const auto message =
            fmt::format("{}: request for {}: {} new, {} there", caller.who(), owner.name, shortfall, existing.size());
        add_event(transaction, {.kind = "operation", .owner = owner.name, .operation = operation, .message = message});
        auto wanted = pattern(owner.name, request, defaults, transaction.now);
        wanted.operation = operation;
        const auto taken = take_members(transaction, wanted, defaults.size, shortfall);
        const auto addresses =
            reserve_addresses(transaction, defaults.network, shortfall - static_cast<long long>(taken.size()));
        const auto created = add_guests(transaction, std::move(wanted), taken, addresses, operation);
        const GuestReservation answer{operation, created, existing};
        keep_answer(transaction, marked, answer);
        return answer;
    });
}

bool Guests::is_answered(const Caller& caller, const GuestRequest& request) {
    if (request.idempotency_key.empty()) return false;
    return session_.transact("commit.request", [&](Transaction& transaction) {
        const MarkedRequest marked{caller.who(), request.idempotency_key, canonical(*request.owner, request)};
        return first_answer(transaction, marked).has_value();
    });
}

GuestReservation Guests::import(const Caller& caller, const GuestImport& wanted, const Reservation& as) {
    return session_.transact("commit.request", [&](Transaction& transaction) {
        auto& sql = transaction.sql;
        const Owner owner = read_owner(sql, wanted.owner);
        check_quota(owner.name, owner.quota, owner.guests, 1);
        check_version(sql, as.image, as.version);
        const auto addresses = reserve_addresses(transaction, as.network, 1);
        const nlohmann::json arguments{{"file", wanted.file}, {"owner", owner.name}};
        const auto operation = begin_operation(transaction, {caller.who(), "import", arguments.dump(), owner.name, 1});
        const auto created =
            add_guests(transaction, pattern(owner.name, GuestRequest{}, as, transaction.now), {}, addresses, operation);
        const Guest guest = read_guests(sql, "WHERE name = :name", created.front()).front();
        const CopyId copy = owe_copy(transaction, {CopyKind::exported, "imported", wanted.file}, guest, operation);
        note_copies(transaction, guest.id, {{copy, 0}}, false);
        write(sql, "UPDATE guests SET source = :copy WHERE id = :id", copy, guest.id);
        const auto message = fmt::format("{}: imports {} from {}", caller.who(), guest.name, wanted.file);
        add_event(transaction, {.kind = "operation", .owner = owner.name, .operation = operation, .message = message});
        return GuestReservation{operation, created, {}};
    });
}

std::optional<Guest> Guests::get(GuestId id) {
    return session_.read([&](Transaction& transaction) -> std::optional<Guest> {
        auto found = read_guests(transaction.sql, "WHERE id = :id", id);
        if (found.empty()) return std::nullopt;
        return std::move(found.front());
    });
}

std::optional<Guest> Guests::named(const std::string& name) {
    return session_.read([&](Transaction& transaction) -> std::optional<Guest> {
        auto found = read_guests(transaction.sql, "WHERE name = :name", name);
        if (found.empty()) return std::nullopt;
        return std::move(found.front());
    });
}

std::vector<Guest> Guests::list(const ListQuery& query, const std::optional<std::string>& visible_owner) {
    auto guests = session_.read([&](Transaction& transaction) {
        const auto owner = visible_owner ? visible_owner : query.selection.owner;
        return read_candidates(transaction.sql, query.selection, owner, query.gone ? "TRUE" : "phase <> 'gone'");
    });
    std::erase_if(guests, [&](const Guest& guest) { return !is_listed(guest, query); });
    sort_naturally(guests);
    return guests;
}

std::vector<GuestId> Guests::ids() {
    return session_.read([](Transaction& transaction) {
        return rows<GuestId>(transaction.sql, "SELECT id FROM guests WHERE phase <> 'gone' ORDER BY id");
    });
}

std::vector<Guests::Revision> Guests::revisions() {
    return session_.read([](Transaction& transaction) {
        std::vector<Revision> result;
        for (const auto& [id, rev] : rows<std::tuple<GuestId, std::int64_t>>(
                 transaction.sql, "SELECT id, rev FROM guests WHERE phase <> 'gone' ORDER BY id"))
            result.push_back({id, rev});
        return result;
    });
}

std::vector<GuestId> Guests::ids_of(const std::string& owner) {
    return session_.read([&](Transaction& transaction) {
        return rows<GuestId>(transaction.sql,
                             "SELECT id FROM guests WHERE owner = :owner AND phase <> 'gone' ORDER BY id", owner);
    });
}

std::vector<Guest> Guests::last_written_by(OperationId operation) {
    return session_.read([&](Transaction& transaction) {
        auto guests = read_guests(transaction.sql, "WHERE operation = :operation AND phase <> 'gone'", operation);
        sort_naturally(guests);
        return guests;
    });
}

bool Guests::any_of(Kind kind) {
    return session_.read([&](Transaction& transaction) {
        return !rows<GuestId>(transaction.sql, "SELECT id FROM guests WHERE kind = :kind AND phase <> 'gone' LIMIT 1",
                              std::string(to_text(kind)))
                    .empty();
    });
}

std::vector<Guest> Guests::moving() {
    return session_.read([](Transaction& transaction) {
        return read_guests(transaction.sql, "WHERE phase <> 'gone' AND phase IN ('starting', 'stopping')");
    });
}

long long Guests::count_new(const std::string& image, const std::string& profile) {
    return session_.read([&](Transaction& transaction) {
        return *first<long long>(transaction.sql,
                                 "SELECT COUNT(*) FROM guests WHERE phase <> 'gone' AND phase IN ('reserved', "
                                 "'stopped') AND desired IN ('ready', 'parked') AND have_boot = 0 AND kind = 'vm' AND "
                                 "fault_kind IS NULL AND image = :image AND profile = :profile",
                                 image, profile);
    });
}

long long Guests::count_up() {
    return session_.read([](Transaction& transaction) {
        return rows<long long>(
                   transaction.sql,
                   "SELECT COUNT(*) FROM guests WHERE phase <> 'gone' AND phase NOT IN ('reserved', 'stopped')")
            .front();
    });
}

std::vector<GuestId> Guests::ids_in(OperationId operation) {
    return session_.read([&](Transaction& transaction) {
        return rows<GuestId>(transaction.sql, "SELECT guest FROM items WHERE operation = :operation ORDER BY guest",
                             operation);
    });
}

}  // namespace drover
