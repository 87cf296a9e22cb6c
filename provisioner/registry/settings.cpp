#include <fmt/format.h>

#include <algorithm>

#include "model/error.hpp"
#include "registry/openings.hpp"
#include "registry/operations.hpp"
#include "registry/owners.hpp"
#include "registry/registry.hpp"
#include "registry/rows.hpp"
#include "registry/selected.hpp"

namespace drover {
namespace {

struct Told {
    std::string kind, message;  ///< of the event
};

/// What the event says of a guest that this changes; nothing when it is so already.
std::optional<Told> change_of(const Guest& guest, const Setting& setting) {
    if (setting.autostart && guest.autostart != *setting.autostart)
        return Told{"autostart", std::string(to_text(*setting.autostart))};
    if (setting.is_protected && guest.is_protected != *setting.is_protected)
        return Told{"protection", *setting.is_protected ? "protected" : "not protected any more"};
    if (setting.owner && guest.owner != *setting.owner)
        return Told{"owner", fmt::format("given from {} to {}", guest.owner.value_or("nobody"), *setting.owner)};
    if (setting.lease && guest.lease != *setting.lease)
        return Told{"lease", *setting.lease ? "lent until " + to_rfc3339(**setting.lease) : "lent for ever"};
    return std::nullopt;
}

void write_setting(soci::session& sql, const Setting& setting, GuestId id) {
    if (setting.autostart)
        write(sql, "UPDATE guests SET autostart = :autostart WHERE id = :id", *setting.autostart, id);
    if (setting.is_protected)
        write(sql, "UPDATE guests SET protected = :protected WHERE id = :id", *setting.is_protected, id);
    if (setting.lease)
        write(sql, "UPDATE guests SET lease = :lease, lease_told = 0, lease_ended = NULL WHERE id = :id",
              *setting.lease, id);
    if (setting.owner) write(sql, "UPDATE guests SET owner = :owner, rev = rev + 1 WHERE id = :id", *setting.owner, id);
}

/// A guest that is given away keeps its name and takes its new owner's keys, and a place in that one's quota.
void check_can_have(soci::session& sql, const std::string& name, const std::vector<Guest>& guests) {
    const Owner owner = read_owner(sql, name);
    for (const Guest& guest : guests) {
        if (guest.owner && guest.desired != Desired::gone) continue;
        throw Error(ErrorKind::refused,
                    fmt::format("guest '{}' {}", guest.name, guest.owner ? "is being retired" : "belongs to a pool"));
    }
    const auto more = std::count_if(guests.begin(), guests.end(), [&](const Guest& g) { return g.owner != name; });
    check_quota(owner.name, owner.quota, owner.guests, more);
}

void tell(Transaction& transaction, const Caller& caller, const Guest& guest, const Setting& setting,
          const Told& told) {
    const auto message = fmt::format("{}: {}", caller.who(), told.message);
    add_event(transaction, {.kind = told.kind, .guest = guest.name, .owner = guest.owner, .message = message});
    if (setting.owner)
        add_event(transaction, {.kind = told.kind, .guest = guest.name, .owner = setting.owner, .message = message});
}

}  // namespace

std::vector<Guest> Guests::set(const Caller& caller, const Setting& setting,
                               const std::optional<std::string>& visible_owner) {
    return session_.transact("commit.change", [&](Transaction& transaction) {
        auto guests = selected(transaction.sql, setting.selection, visible_owner);
        if (setting.owner) check_can_have(transaction.sql, *setting.owner, guests);
        std::vector<Guest> changed;
        for (const Guest& guest : guests) {
            const auto told = change_of(guest, setting);
            if (!told) continue;
            write_setting(transaction.sql, setting, guest.id);
            tell(transaction, caller, guest, setting, *told);
            if (setting.owner) close_all(transaction, guest, "the guest has another owner");
            changed.push_back(guest);
        }
        return changed;
    });
}

void Guests::start_anew() {
    session_.transact("commit.change", [&](Transaction& transaction) {
        const std::string change =
            "UPDATE guests SET desired = :desired, rev = rev + 1 WHERE autostart = :autostart AND desired = :was "
            "AND phase <> 'gone' AND owner IS NOT NULL";
        write(transaction.sql, change, Desired::ready, Autostart::always, Desired::stopped);
        write(transaction.sql, change, Desired::stopped, Autostart::never, Desired::ready);
        // A pool's guests that ran went with the host: it makes others.
        write(transaction.sql,
              "UPDATE guests SET desired = 'gone', rev = rev + 1 WHERE owner IS NULL AND phase NOT IN ('gone', "
              "'reserved', 'stopped') AND desired <> 'gone'");
    });
}

}  // namespace drover
