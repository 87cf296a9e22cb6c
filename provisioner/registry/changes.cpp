#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/verbs.hpp"

namespace drover {
namespace {

// ---- which guests --------------------------------------------------------------------------------------------------

/// Error{not_found} naming the owner when there is none, or it has no guests.
void check_owner(soci::session& sql, const std::string& owner, bool has_guests) {
    if (has_guests) return;
    if (first<std::string>(sql, "SELECT name FROM owners WHERE name = :name", owner)) {
        throw Error(ErrorKind::not_found, fmt::format("owner '{}' has no guests", owner),
                    fmt::format("drover request --owner {} --count N", owner));
    }
    throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", owner), fmt::format("drover owner set {}", owner));
}

/// The guests that any of the globs names. Error{not_found} naming a glob that names none.
std::vector<Guest> picked(const std::vector<Guest>& guests, const std::vector<std::string>& globs) {
    std::vector<bool> taken(guests.size());
    for (const std::string& glob : globs) {
        bool found = false;
        for (std::size_t i = 0; i < guests.size(); ++i) {
            if (!glob_matches(glob, guests[i].name)) continue;
            taken[i] = found = true;
        }
        if (!found) throw Error(ErrorKind::not_found, fmt::format("no guest matches '{}'", glob), "drover list");
    }
    std::vector<Guest> result;
    for (std::size_t i = 0; i < guests.size(); ++i) {
        if (taken[i]) result.push_back(guests[i]);
    }
    return result;
}

/// The guests that are meant, by natural order. Those that are gone, and those of others, do not exist.
std::vector<Guest> selected(soci::session& sql, const Selection& selection,
                            const std::optional<std::string>& visible_owner) {
    if (selection.owner && visible_owner && *selection.owner != *visible_owner) {
        throw Error(ErrorKind::not_found, fmt::format("no owner '{}'", *selection.owner));
    }
    const auto owner = selection.owner ? selection.owner : visible_owner;
    auto guests = read_candidates(sql, selection, owner, "phase <> 'gone'");
    sort_naturally(guests);
    if (selection.owner) check_owner(sql, *selection.owner, !guests.empty());
    return selection.globs.empty() ? guests : picked(guests, selection.globs);
}

// ---- writing it ----------------------------------------------------------------------------------------------------

/// Writes what an operation wants of guests, one prepared statement for all.
class WishWriter {
  public:
    WishWriter(Transaction& transaction, OperationId operation)
        : operation_(operation), superseder_(transaction), update_(transaction.sql) {
        prepare(update_,
                "UPDATE guests SET desired = :desired, want_version = :want_version, want_overlay = :want_overlay, "
                "want_boot = :want_boot, "
                "attempts = 0, fault_kind = NULL, fault_message = '', fault_since = 0, operation = :operation, "
                "rev = rev + 1 WHERE id = :id AND rev = :rev",
                guest_.desired, guest_.want.version, guest_.want.overlay, guest_.want.boot, operation_, guest_.id,
                guest_.rev);
    }

    void write(const Guest& guest) {
        guest_ = guest;
        update_.execute(true);
        if (update_.get_affected_rows() != 1) {
            throw Error(ErrorKind::refused, fmt::format("guest '{}' was changed at the same moment", guest.name),
                        "try again");
        }
        superseder_.supersede(guest.id);
    }

    void finish() { superseder_.finish(); }

  private:
    OperationId operation_;
    Guest guest_;
    Superseder superseder_;
    soci::statement update_;
};

/// Canaries are guests of the operation that run: one that is off proves nothing. Error{usage} naming one that is not.
void check_canaries(const std::vector<Guest>& guests, const std::vector<std::string>& canaries) {
    for (const std::string& name : canaries) {
        const auto is_it = [&](const Guest& guest) { return guest.name == name && guest.desired == Desired::ready; };
        if (std::any_of(guests.begin(), guests.end(), is_it)) continue;
        throw Error(ErrorKind::usage,
                    fmt::format("'{}' is no canary: it is not among the guests, or is to be off", name),
                    "choose one that runs");
    }
}

void write_changes(Transaction& transaction, const Caller& caller, const Change& change,
                   const std::vector<Guest>& guests, OperationId operation) {
    const Meaning meaning(transaction.sql, caller, change);
    const std::set<std::string> canaries(change.canaries.begin(), change.canaries.end());
    WishWriter wishes(transaction, operation);
    ItemWriter items(transaction, operation);
    for (const Guest& guest : guests) {
        auto judged = meaning.of(guest);
        if (judged.outcome == "pending") {
            wishes.write(judged.after);
            if (judged.after.settled()) judged.outcome = "done";  // no step will follow
        }
        items.add(guest.id, guest, judged.outcome, judged.reason, canaries.contains(guest.name));
    }
    wishes.finish();
    items.finish();
}

nlohmann::json arguments_of(const Change& change) {
    nlohmann::json arguments;
    if (change.selection.owner) {
        arguments["owner"] = *change.selection.owner;
    } else if (change.selection.all) {
        arguments["all"] = true;
    } else {
        arguments["globs"] = change.selection.globs;
    }
    if (change.wave) arguments["wave"] = to_text(*change.wave);
    if (change.to) arguments["to"] = *change.to;
    if (!change.canaries.empty()) arguments["canaries"] = change.canaries;
    if (change.settle) arguments["settle"] = to_text(*change.settle);
    return arguments;
}

void check_selection(const Selection& selection) {
    if ((selection.globs.empty() ? 0 : 1) + (selection.owner ? 1 : 0) + (selection.all ? 1 : 0) != 1) {
        throw Error(ErrorKind::usage, "a verb takes exactly one of GLOB..., --owner, --all");
    }
}

}  // namespace

Operation Guests::change(const Caller& caller, const Change& change, const std::optional<std::string>& visible_owner) {
    check_selection(change.selection);
    return session_.transact("commit.change", [&](Transaction& transaction) {
        const auto guests = selected(transaction.sql, change.selection, visible_owner);
        check_canaries(guests, change.canaries);
        const std::string verb(to_text(change.verb));
        const auto owner = change.selection.owner ? change.selection.owner : visible_owner;
        const auto total = static_cast<long long>(guests.size());
        const auto operation = begin_operation(
            transaction, {caller.who(), verb, arguments_of(change).dump(), owner, total,
                          change.wave ? to_text(*change.wave) : "", change.settle.value_or(Duration::zero())});
        add_event(transaction, {.kind = "operation",
                                .owner = owner,
                                .operation = operation,
                                .message = fmt::format("{}: {} {} guests", caller.who(), verb, total)});
        write_changes(transaction, caller, change, guests, operation);
        return read_operation(transaction.sql, operation);
    });
}

std::vector<Guest> Guests::preview(const Caller& caller, const Change& change,
                                   const std::optional<std::string>& visible_owner) {
    check_selection(change.selection);
    return session_.read([&](Transaction& transaction) {
        const Meaning meaning(transaction.sql, caller, change);
        const auto guests = selected(transaction.sql, change.selection, visible_owner);
        check_canaries(guests, change.canaries);
        std::vector<Guest> result;
        for (const Guest& guest : guests) {
            auto judged = meaning.of(guest);
            if (judged.outcome == "pending") result.push_back(std::move(judged.after));
        }
        return result;
    });
}

std::vector<std::string> Guests::set_autostart(const Caller& caller, Autostart autostart, const Selection& selection,
                                               const std::optional<std::string>& visible_owner) {
    check_selection(selection);
    return session_.transact("commit.change", [&](Transaction& transaction) {
        std::vector<std::string> names;
        for (const Guest& guest : selected(transaction.sql, selection, visible_owner)) {
            if (guest.autostart == autostart) continue;
            write(transaction.sql, "UPDATE guests SET autostart = :autostart WHERE id = :id", autostart, guest.id);
            add_event(transaction, {.kind = "autostart",
                                    .guest = guest.name,
                                    .owner = guest.owner,
                                    .message = fmt::format("{}: {}", caller.who(), to_text(autostart))});
            names.push_back(guest.name);
        }
        return names;
    });
}

void Guests::start_anew() {
    session_.transact("commit.change", [&](Transaction& transaction) {
        const std::string change =
            "UPDATE guests SET desired = :desired, rev = rev + 1 WHERE autostart = :autostart AND desired = :was "
            "AND phase <> 'gone' AND owner IS NOT NULL";
        write(transaction.sql, change, Desired::ready, Autostart::always, Desired::stopped);
        write(transaction.sql, change, Desired::stopped, Autostart::never, Desired::ready);
    });
}

}  // namespace drover
