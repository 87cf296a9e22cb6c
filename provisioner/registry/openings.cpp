#include "registry/openings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/certain_time.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

namespace soci {
template <> struct type_conversion<drover::Protocol> : WordConversion<drover::Protocol, drover::parse_protocol> {};
}  // namespace soci

namespace drover {

/// As its row holds it.
struct OpeningRow {
    Opening opening;
    Time closes;
    std::optional<long long> host_port;
};
template <> struct Columns<OpeningRow> {
    static void bind(soci::statement& statement, OpeningRow& row) {
        const auto into = [&](auto&... field) { (statement.exchange(soci::into(field)), ...); };
        Opening& it = row.opening;
        into(it.id, it.guest, it.guest_name, it.owner, it.port.protocol, it.port.port, it.source, row.host_port);
        into(it.opened, row.closes, it.extended, it.who, it.reason);
    }
};

namespace {

const std::string select_openings =
    "SELECT o.id, o.guest, g.name, g.owner, o.protocol, o.port, o.source, o.host_port, o.opened, o.closes, "
    "o.extended, o.who, o.reason FROM openings o JOIN guests g ON g.id = o.guest WHERE ";

template <typename... Values>
std::vector<Opening> read_openings(Transaction& transaction, const std::string& condition, const Values&... values) {
    const Time now = peek_certain_time(transaction);
    std::vector<Opening> result;
    each<OpeningRow>(
        transaction.sql,
        [&](const OpeningRow& row) {
            Opening opening = row.opening;
            opening.left = row.closes - now;
            if (row.host_port) opening.host_port = static_cast<int>(*row.host_port);
            result.push_back(std::move(opening));
        },
        select_openings + condition, values...);
    return result;
}

std::optional<Opening> read_opening(Transaction& transaction, GuestId guest, const ServicePort& port) {
    auto found = read_openings(transaction, "o.guest = :guest AND o.protocol = :protocol AND o.port = :port", guest,
                               port.protocol, port.port);
    return found.empty() ? std::nullopt : std::optional(std::move(found.front()));
}

void remove_row(Transaction& transaction, long long id) {
    write(transaction.sql, "DELETE FROM openings WHERE id = :id", id);
}

void tell(Transaction& transaction, const Opening& opening, const std::string& message,
          std::optional<OperationId> operation = std::nullopt) {
    add_event(transaction, {.kind = "opening",
                            .guest = opening.guest_name,
                            .owner = opening.owner,
                            .operation = operation,
                            .message = message});
}

/// The audit trail: an operation that has ended.
OperationId note_operation(Transaction& transaction, const Caller& caller, const std::string& verb,
                           const Opening& opening, nlohmann::json arguments) {
    arguments["guest"] = opening.guest_name;
    arguments["port"] = to_text(opening.port);
    const auto id = begin_operation(
        transaction,
        {.who = caller.who(), .verb = verb, .arguments = arguments.dump(), .owner = opening.owner, .total = 0});
    end_operation(transaction, id, "done", "");
    return id;
}

/// The guest as this caller may see it; one that is gone is not there.
Guest seen_guest(soci::session& sql, const std::string& name, const std::optional<std::string>& visible_owner) {
    auto found = read_guests(sql, "WHERE name = :name AND phase <> 'gone'", name);
    if (!found.empty() && (!visible_owner || found.front().owner == visible_owner)) return std::move(found.front());
    throw Error(ErrorKind::not_found, fmt::format("no guest '{}'", name), "drover list shows those that there are");
}

Error not_open(const std::string& guest, const ServicePort& port) {
    return {ErrorKind::not_found, fmt::format("{} of '{}' is not open", to_text(port), guest),
            fmt::format("drover openings {}", guest)};
}

void check_guest(const Guest& guest) {
    if (guest.owner && guest.desired != Desired::gone) return;
    throw Error(ErrorKind::refused,
                fmt::format("guest '{}' {}", guest.name, guest.owner ? "is being retired" : "belongs to a pool"));
}

std::string shown(const std::vector<PortRule>& rules) {
    std::string text;
    for (const PortRule& rule : rules) text += (text.empty() ? "" : ", ") + to_text(rule);
    return text.empty() ? "none" : text;
}

void check_port(const ServicePort& port, const OpeningPolicy& policy, bool published) {
    const auto text = to_text(port);
    if (covers(policy.never, port))
        throw Error(ErrorKind::refused, fmt::format("{} is never opened here", text), "choose another port");
    if (covers(policy.always, port) && !published)
        throw Error(ErrorKind::refused, fmt::format("{} is always open here", text), "there is nothing to open");
    if (!covers(policy.ports, port))
        throw Error(ErrorKind::refused, fmt::format("{} may not be opened here", text),
                    "these may: " + shown(policy.ports));
}

Duration checked_length(const std::optional<Duration>& asked, const OpeningPolicy& policy) {
    const Duration lasts = asked.value_or(policy.lasts);
    if (lasts <= policy.longest) return lasts;
    throw Error(ErrorKind::refused,
                fmt::format("{} is longer than the longest opening, {}", to_text(lasts), to_text(policy.longest)),
                fmt::format("--for {}", to_text(policy.longest)));
}

void check_source(const std::string& source, const Network& network) {
    if (source.empty()) return;
    const auto from = parse_source(source);
    if (!from.lies_in(network.subnet) && !(network.subnet6 && from.lies_in(*network.subnet6))) return;
    throw Error(ErrorKind::refused,
                fmt::format("{} is in the guests' own network {}", source, shown_network(network.name)),
                "who of them reaches whom is not a matter of openings: network.guests of the configuration");
}

void check_count(Transaction& transaction, const Guest& guest, const OpeningPolicy& policy) {
    const auto count =
        *first<long long>(transaction.sql, "SELECT count(*) FROM openings WHERE guest = :guest", guest.id);
    if (count < policy.most) return;
    throw Error(ErrorKind::refused,
                fmt::format("guest '{}' has {} ports open, the most there may be", guest.name, count),
                fmt::format("close one: drover openings {}", guest.name));
}

/// The next free one of the host's, onwards from the one given out last: who still calls an old one reaches nobody.
int reserve_host_port(Transaction& transaction, const Openings::Rules& rules, Protocol protocol) {
    const PortRange& range = rules.policy.host_ports;
    std::set<long long> taken;
    for (const auto port : rows<long long>(
             transaction.sql, "SELECT host_port FROM openings WHERE protocol = :protocol AND host_port IS NOT NULL",
             protocol))
        taken.insert(port);
    const std::string cursor = "host-port";
    auto last =
        first<long long>(transaction.sql, "SELECT value FROM counters WHERE name = :cursor", cursor).value_or(0);
    for (int tries = range.last - range.first; tries >= 0; --tries) {
        last = last >= range.first && last < range.last ? last + 1 : range.first;
        const auto port = static_cast<int>(last);
        if (taken.contains(last) || !rules.is_free({port, protocol})) continue;
        write(transaction.sql,
              "INSERT INTO counters (name, value) VALUES (:cursor, :port) "
              "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
              cursor, last);
        return port;
    }
    throw Error(ErrorKind::refused, fmt::format("no port of the host is free in {}", to_text(range)),
                "close what is not needed: drover openings; or widen openings.host_ports in the configuration");
}

void insert_row(Transaction& transaction, const Opening& opening) {
    const Time closes = certain_time(transaction) + opening.left, closes_at = transaction.now + opening.left;
    const auto host_port = opening.host_port ? std::optional<long long>(*opening.host_port) : std::nullopt;
    write(transaction.sql,
          "INSERT INTO openings (id, guest, protocol, port, source, host_port, opened, closes, closes_at, who, reason) "
          "VALUES (:id, :guest, :protocol, :port, :source, :host_port, :opened, :closes, :closes_at, :who, :reason)",
          opening.id, opening.guest, opening.port.protocol, opening.port.port, opening.source, host_port,
          opening.opened, closes, closes_at, opening.who, opening.reason);
}

std::string described(const Opening& opening) {
    std::string text = to_text(opening.port);
    if (!opening.source.empty()) text += " to " + opening.source;
    if (opening.host_port) text += fmt::format(", port {} of the host", *opening.host_port);
    return text;
}

/// The one that is there already, if the same is asked for again.
std::optional<Opening> same_one(Transaction& transaction, const Guest& guest, const OpeningRequest& request) {
    const auto found = read_opening(transaction, guest.id, request.port);
    if (!found) return std::nullopt;
    if (found->left <= Duration::zero()) {
        remove_row(transaction, found->id);
        return std::nullopt;
    }
    if (found->source == request.source && (!request.publish || found->host_port)) return found;
    throw Error(ErrorKind::refused, fmt::format("{} of '{}' is open already, otherwise", described(*found), guest.name),
                fmt::format("drover close {} {}, then open it as it is to be", guest.name, to_text(request.port)));
}

}  // namespace

void close_all(Transaction& transaction, const Guest& guest, const std::string& why) {
    for (const Opening& opening : read_openings(transaction, "o.guest = :guest", guest.id)) {
        remove_row(transaction, opening.id);
        tell(transaction, opening, fmt::format("{} is closed: {}", described(opening), why));
    }
}

Openings::Opened Openings::open(const Caller& caller, const OpeningRequest& request,
                                const std::optional<std::string>& visible_owner, const Rules& rules) {
    return session_.transact("commit.opening", [&](Transaction& transaction) {
        const Guest guest = seen_guest(transaction.sql, request.guest, visible_owner);
        check_guest(guest);
        const bool publish = rules.network.mode == NetworkMode::nat || request.publish;
        check_port(request.port, rules.policy, publish);
        check_source(request.source, rules.network);
        const auto lasts = checked_length(request.lasts, rules.policy);
        if (auto same = same_one(transaction, guest, request)) return Opened{std::move(*same), false};
        check_count(transaction, guest, rules.policy);
        Opening opening{.id = next_number(transaction.sql, "opening"),
                        .guest = guest.id,
                        .guest_name = guest.name,
                        .owner = guest.owner,
                        .port = request.port,
                        .source = request.source,
                        .opened = transaction.now,
                        .left = lasts,
                        .who = caller.who(),
                        .reason = request.reason};
        if (publish) opening.host_port = reserve_host_port(transaction, rules, request.port.protocol);
        insert_row(transaction, opening);
        const auto operation =
            note_operation(transaction, caller, "open", opening,
                           {{"for", to_text(lasts)}, {"from", request.source}, {"reason", request.reason}});
        const auto why = request.reason.empty() ? "" : ": " + request.reason;
        tell(transaction, opening,
             fmt::format("{} opens {} for {}{}", caller.who(), described(opening), to_text(lasts), why), operation);
        return Opened{std::move(opening), true};
    });
}

Opening Openings::extend(const Caller& caller, const std::string& guest_name, const ServicePort& port,
                         const std::optional<Duration>& lasts, const std::optional<std::string>& visible_owner,
                         const OpeningPolicy& policy) {
    return session_.transact("commit.opening", [&](Transaction& transaction) {
        const Guest guest = seen_guest(transaction.sql, guest_name, visible_owner);
        auto opening = read_opening(transaction, guest.id, port);
        if (!opening || opening->left <= Duration::zero()) throw not_open(guest.name, port);
        if (opening->extended)
            throw Error(ErrorKind::refused, fmt::format("{} of '{}' was extended before", to_text(port), guest.name),
                        "that is done once; when it has closed, open it anew");
        const Duration more = lasts.value_or(std::min(policy.lasts, policy.longest - opening->left));
        if (opening->left + more > policy.longest || more <= Duration::zero())
            throw Error(ErrorKind::refused,
                        fmt::format("{} of '{}' would be open for longer than {} from now", to_text(port), guest.name,
                                    to_text(policy.longest)),
                        "extend it by less: --for");
        opening->left += more;
        opening->extended = true;
        const Time closes = certain_time(transaction) + opening->left, closes_at = transaction.now + opening->left;
        write(transaction.sql,
              "UPDATE openings SET closes = :closes, closes_at = :closes_at, extended = 1 WHERE id = :id", closes,
              closes_at, opening->id);
        const auto operation = note_operation(transaction, caller, "extend", *opening, {{"for", to_text(more)}});
        tell(transaction, *opening,
             fmt::format("{} extends {} by {}", caller.who(), described(*opening), to_text(more)), operation);
        return *opening;
    });
}

Opening Openings::get(const std::string& guest_name, const ServicePort& port,
                      const std::optional<std::string>& visible_owner) {
    return session_.read([&](Transaction& transaction) {
        const Guest guest = seen_guest(transaction.sql, guest_name, visible_owner);
        const auto opening = read_opening(transaction, guest.id, port);
        if (!opening || opening->left <= Duration::zero()) throw not_open(guest.name, port);
        return *opening;
    });
}

bool Openings::close(const Caller& caller, const Opening& opening) {
    return session_.transact("commit.opening", [&](Transaction& transaction) {
        if (write(transaction.sql, "DELETE FROM openings WHERE id = :id", opening.id) == 0) return false;
        const auto operation = note_operation(transaction, caller, "close", opening, nlohmann::json::object());
        tell(transaction, opening, fmt::format("{} closes {}", caller.who(), described(opening)), operation);
        return true;
    });
}

std::vector<Opening> Openings::list(const std::vector<std::string>& globs, const std::optional<std::string>& owner) {
    auto openings = session_.read([&](Transaction& transaction) {
        if (owner) return read_openings(transaction, "g.owner = :owner ORDER BY o.port, o.protocol", *owner);
        return read_openings(transaction, "TRUE ORDER BY o.port, o.protocol");
    });
    std::erase_if(openings, [&](const Opening& opening) {
        const bool is_meant = globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const auto& glob) {
                                  return glob_matches(glob, opening.guest_name);
                              });
        return !is_meant || opening.left <= Duration::zero();
    });
    std::stable_sort(openings.begin(), openings.end(),
                     [](const Opening& a, const Opening& b) { return natural_less(a.guest_name, b.guest_name); });
    return openings;
}

std::vector<Opening> Openings::of(GuestId guest) {
    auto openings = session_.read(
        [&](Transaction& transaction) { return read_openings(transaction, "o.guest = :guest ORDER BY o.id", guest); });
    std::erase_if(openings, [](const Opening& opening) { return opening.left <= Duration::zero(); });
    return openings;
}

std::vector<Opening> Openings::over() {
    return session_.read([&](Transaction& transaction) {
        const Time now = peek_certain_time(transaction);
        return read_openings(transaction, "o.closes <= :now OR g.phase = 'gone' ORDER BY o.id", now);
    });
}

void Openings::end(const std::vector<Opening>& over) {
    session_.transact("commit.opening", [&](Transaction& transaction) {
        const Time now = certain_time(transaction);
        for (const Opening& opening : over) {
            const bool done = write(transaction.sql,
                                    "DELETE FROM openings WHERE id = :id AND (closes <= :now OR guest IN (SELECT id "
                                    "FROM guests WHERE phase = 'gone'))",
                                    opening.id, now) == 1;
            if (!done) continue;  // it was extended meanwhile
            tell(transaction, opening, fmt::format("{} is closed: its time is over", described(opening)));
        }
    });
}

void Openings::start_anew() {
    session_.transact("commit.opening", [&](Transaction& transaction) {
        const std::string key = "openings-boot", boot = transaction.uptime().boot;
        const auto before = first<std::string>(transaction.sql, "SELECT value FROM notes WHERE key = :key", key);
        if (before == boot) return;
        const Time certain = certain_time(transaction);
        write(transaction.sql,
              "UPDATE openings SET closes = :certain + closes_at - :now WHERE closes_at - :now2 < closes - :certain2",
              certain, transaction.now, transaction.now, certain);
        write(transaction.sql,
              "INSERT INTO notes (key, value) VALUES (:key, :boot) "
              "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
              key, boot);
    });
}

}  // namespace drover
