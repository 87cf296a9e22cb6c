#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "model/error.hpp"
#include "registry/copies.hpp"
#include "registry/operations.hpp"
#include "registry/owners.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/selected.hpp"
#include "registry/verbs.hpp"

namespace drover {
namespace {

/// Writes what an operation wants of guests, one prepared statement for all.
class WishWriter {
  public:
    WishWriter(Transaction& transaction, OperationId operation)
        : operation_(operation), superseder_(transaction), update_(transaction.sql), forget_(transaction.sql) {
        prepare(update_,
                "UPDATE guests SET desired = :desired, want_version = :want_version, want_overlay = :want_overlay, "
                "want_boot = :want_boot, good = :good, copy = :copy, source = :source, keep = :keep, "
                "attempts = 0, fault_kind = NULL, fault_message = '', fault_since = 0, operation = :operation, "
                "rev = rev + 1 WHERE id = :id AND rev = :rev",
                guest_.desired, guest_.want.version, guest_.want.overlay, guest_.want.boot, guest_.good, guest_.copy,
                guest_.source, guest_.keep, operation_, guest_.id, guest_.rev);
        prepare(forget_, "DELETE FROM heals WHERE guest = :guest", guest_.id);  // any verb tries anew
    }

    void write(const Guest& guest) {
        guest_ = guest;
        update_.execute(true);
        if (update_.get_affected_rows() != 1) {
            throw Error(ErrorKind::refused, fmt::format("guest '{}' was changed at the same moment", guest.name),
                        "try again");
        }
        superseder_.supersede(guest.id);
        forget_.execute(true);
    }

    void finish() { superseder_.finish(); }

  private:
    OperationId operation_;
    Guest guest_;
    Superseder superseder_;
    soci::statement update_, forget_;
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
                   const std::vector<Guest>& guests, const std::map<GuestId, std::string>& held, OperationId operation,
                   const GuestRules& rules) {
    const Meaning meaning(transaction, caller, change, rules);
    const std::set<std::string> canaries(change.canaries.begin(), change.canaries.end());
    WishWriter wishes(transaction, operation);
    ItemWriter items(transaction, operation);
    for (const Guest& guest : guests) {
        auto judged = meaning.of(guest);
        if (const auto why = held.find(guest.id); judged.outcome == "pending" && why != held.end())
            judged = {.outcome = "refused", .reason = why->second};
        if (judged.outcome == "pending") {
            wishes.write(judged.after);
            if (judged.copy) owe_copy(transaction, *judged.copy, guest, operation);
            if (judged.after.settled()) judged.outcome = "done";  // no step will follow
        }
        items.add(guest.id, guest, judged.outcome, judged.reason, canaries.contains(guest.name));
    }
    wishes.finish();
    items.finish();
}

nlohmann::json arguments_of(const Change& change) {
    auto arguments = told(change.selection);
    if (change.wave) arguments["wave"] = to_text(*change.wave);
    if (change.to) arguments["to"] = *change.to;
    if (!change.canaries.empty()) arguments["canaries"] = change.canaries;
    if (change.settle) arguments["settle"] = to_text(*change.settle);
    if (change.with_snapshot) arguments["with_snapshot"] = true;
    if (!change.copy.empty()) arguments["copy"] = change.copy;
    if (!change.file.empty()) arguments["file"] = change.file;
    if (!change.keep.empty()) arguments["keep"] = change.keep;
    if (change.purge) arguments["purge"] = true;
    if (change.shadows) arguments["shadows"] = to_text(*change.shadows);
    return arguments;
}

/// What is protected is neither rebuilt nor restored nor retired, and what is asked for with it is not done in part.
void check_protection(const std::vector<Guest>& guests, const Change& change) {
    const Verb verb = change.verb;
    const bool restores = verb == Verb::restore || (verb == Verb::rollback && change.with_snapshot);
    if (verb != Verb::rebuild && verb != Verb::retire && !restores) return;
    for (const Guest& guest : guests) {
        if (!guest.is_protected) continue;
        throw Error(ErrorKind::refused, fmt::format("guest '{}' is protected: {} refused", guest.name, to_text(verb)),
                    fmt::format("drover protect --off {}", guest.name));
    }
}

/// The guests that a change is about, by natural order; Error{not_found}.
std::vector<Guest> moved_by(soci::session& sql, const Change& change, const std::optional<std::string>& visible_owner) {
    const auto* condition = change.verb == Verb::recover
                                ? "phase = 'gone' AND id IN (SELECT guest FROM copies WHERE kind = 'retired' AND made "
                                  "IS NOT NULL AND removing = 0)"
                                : "phase <> 'gone'";
    return selected(sql, change.selection, visible_owner, condition);
}

/// The address that the guest had, if nobody else has it by now; else another.
Address take_address(Transaction& transaction, Address address, const Network& network) {
    const bool inside = address >= network.first && address <= network.last;
    const bool taken = inside && write(transaction.sql,
                                       "INSERT INTO addresses (address) VALUES (:address) ON CONFLICT (address) DO "
                                       "UPDATE SET free_at = NULL WHERE addresses.free_at IS NOT NULL",
                                       address) == 1;
    return taken ? address : reserve_addresses(transaction, network, 1).front();
}

/// Gives retired guests back what they had to let go of, and their places in their owners' quotas.
void revive(Transaction& transaction, std::vector<Guest>& guests, const NetworkPlan& networks) {
    std::map<std::string, long long> more;
    for (const Guest& guest : guests)
        if (guest.owner) ++more[*guest.owner];
    for (const auto& [name, count] : more) {
        const Owner owner = read_owner(transaction.sql, name);
        check_quota(name, owner.quota, owner.guests, count);
    }
    for (Guest& guest : guests) {
        guest.address = take_address(transaction, guest.address, networks.of(guest.network));
        guest.phase = Phase::reserved;
        write(transaction.sql,
              "UPDATE guests SET phase = :phase, address = :address, mac = :mac, since = :now WHERE id = :id",
              guest.phase, guest.address, mac_of(guest.id), transaction.now, guest.id);
    }
}

}  // namespace

Operation Guests::change(const Caller& caller, const Change& change, const std::optional<std::string>& visible_owner,
                         const NetworkPlan& networks, const std::map<GuestId, std::string>& held) {
    return session_.transact("commit.change", [&](Transaction& transaction) {
        auto guests = moved_by(transaction.sql, change, visible_owner);
        check_protection(guests, change);
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
        if (change.verb == Verb::recover) revive(transaction, guests, networks);
        write_changes(transaction, caller, change, guests, held, operation, rules_);
        return read_operation(transaction.sql, operation);
    });
}

std::vector<Guest> Guests::meant(const Selection& selection, const std::optional<std::string>& visible_owner) {
    return session_.read([&](Transaction& transaction) { return selected(transaction.sql, selection, visible_owner); });
}

std::vector<Guest> Guests::preview(const Caller& caller, const Change& change,
                                   const std::optional<std::string>& visible_owner) {
    return session_.read([&](Transaction& transaction) {
        const Meaning meaning(transaction, caller, change, rules_);
        const auto guests = moved_by(transaction.sql, change, visible_owner);
        check_protection(guests, change);
        check_canaries(guests, change.canaries);
        std::vector<Guest> result;
        for (const Guest& guest : guests) {
            auto judged = meaning.of(guest);
            if (judged.outcome == "pending") result.push_back(std::move(judged.after));
        }
        return result;
    });
}

}  // namespace drover
