#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/error.hpp"
#include "model/names.hpp"
#include "registry/operations.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"

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

// ---- what the verb means for a guest -------------------------------------------------------------------------------

/// How the verb leaves the item of a guest at once, when it does.
struct Verdict {
    std::string outcome = "pending";
    std::string reason;
};

bool is_there_already(const Guest& guest, Verb verb) {
    if (guest.fault) return false;  // any verb tries anew
    switch (verb) {
        case Verb::start: return guest.desired == Desired::ready && guest.settled();
        case Verb::stop: return guest.desired == Desired::stopped && guest.phase == Phase::stopped;
        case Verb::retire: return guest.desired == Desired::gone;
        case Verb::restart:
        case Verb::rebuild: return false;
    }
    return false;
}

Verdict judge(const Guest& guest, Verb verb, const Caller& caller) {
    if (!guest.owner && (verb != Verb::retire || !caller.administrator)) return {"refused", "belongs to a pool"};
    if (guest.desired == Desired::gone && verb != Verb::retire) return {"refused", "is being retired"};
    if (is_there_already(guest, verb)) return {"unchanged", ""};
    return {};
}

/// The guest as the verb wants it.
Guest changed(Guest guest, Verb verb) {
    switch (verb) {
        case Verb::start: guest.desired = Desired::ready; break;
        case Verb::stop: guest.desired = Desired::stopped; break;
        case Verb::restart:
            guest.desired = Desired::ready;
            ++guest.want.boot;
            break;
        case Verb::rebuild: ++guest.want.overlay; break;
        case Verb::retire: guest.desired = Desired::gone; break;
    }
    guest.fault.reset();
    guest.attempts = 0;
    return guest;
}

// ---- writing it ----------------------------------------------------------------------------------------------------

/// Writes what an operation wants of guests, one prepared statement for all.
class WishWriter {
  public:
    WishWriter(Transaction& transaction, OperationId operation)
        : operation_(operation), superseder_(transaction), update_(transaction.sql) {
        prepare(update_,
                "UPDATE guests SET desired = :desired, want_overlay = :want_overlay, want_boot = :want_boot, "
                "attempts = 0, fault_kind = NULL, fault_message = '', fault_since = 0, operation = :operation, "
                "rev = rev + 1 WHERE id = :id AND rev = :rev",
                guest_.desired, guest_.want.overlay, guest_.want.boot, operation_, guest_.id, guest_.rev);
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

void write_changes(Transaction& transaction, const Caller& caller, Verb verb, const std::vector<Guest>& guests,
                   OperationId operation) {
    WishWriter wishes(transaction, operation);
    ItemWriter items(transaction, operation);
    for (const Guest& guest : guests) {
        auto [outcome, reason] = judge(guest, verb, caller);
        if (outcome == "pending") {
            const Guest after = changed(guest, verb);
            wishes.write(after);
            if (after.settled()) outcome = "done";  // all that was wrong was its fault: no step will follow
        }
        items.add(guest.id, guest, outcome, reason);
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
        const std::string verb(to_text(change.verb));
        const auto owner = change.selection.owner ? change.selection.owner : visible_owner;
        const auto total = static_cast<long long>(guests.size());
        const auto operation = begin_operation(transaction, {caller.who(), verb, arguments_of(change).dump(), owner,
                                                             total, change.wave ? to_text(*change.wave) : ""});
        add_event(transaction, {.kind = "operation",
                                .owner = owner,
                                .operation = operation,
                                .message = fmt::format("{}: {} {} guests", caller.who(), verb, total)});
        write_changes(transaction, caller, change.verb, guests, operation);
        return read_operation(transaction.sql, operation);
    });
}

std::vector<Guest> Guests::preview(const Caller& caller, const Change& change,
                                   const std::optional<std::string>& visible_owner) {
    check_selection(change.selection);
    return session_.read([&](Transaction& transaction) {
        std::vector<Guest> result;
        for (const Guest& guest : selected(transaction.sql, change.selection, visible_owner)) {
            const bool moves = judge(guest, change.verb, caller).outcome == "pending";
            if (moves) result.push_back(changed(guest, change.verb));
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
