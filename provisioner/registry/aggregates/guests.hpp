#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/copy.hpp"
#include "model/network.hpp"
#include "model/requests.hpp"

namespace drover {

class Session;

/// What new guests get when a request leaves it open, and how addresses are given out.
struct Reservation {
    std::string image, profile, version;  ///< resolved by the caller; version "sha256:..."
    Kind kind = Kind::vm;
    std::string host = "local";
    Network network;
    std::string size{};  ///< what guests are made with now: size_text()
};

/// What holds for all guests.
struct GuestRules {
    Duration quarantine{};    ///< how long an address rests
    Duration retire_keep{};   ///< how long the overlay of a retired guest is kept
    long long snapshots = 5;  ///< of one guest, at most
    std::string backups{};    ///< the folder for them
};

/// How the addresses of a network's guests stand.
struct AddressCount {
    long long used = 0, resting = 0, free = 0;
};

/// How many guests are alike.
struct Crowd {
    Kind kind = Kind::vm;
    Phase phase = Phase::reserved;
    Desired desired = Desired::ready;
    bool is_owned = true;  ///< not a pool's
    bool is_faulted = false;
    long long count = 0;
};

/// Guests and their addresses.
class Guests {
  public:
    Guests(Session& session, GuestRules rules) : session_(session), rules_(std::move(rules)) {}

    /// The whole of `drover request` in one transaction: counts the owner's guests that match, makes the shortfall
    /// (rows with name, address and MAC, phase reserved, desired ready) and the operation with an item per new guest;
    /// when there is nothing to make, a finished operation. All or none: Error{refused} when quota or addresses are
    /// short. An idempotency key seen before from this caller gives the first answer, with another request
    /// Error{refused}.
    GuestReservation request(const Caller& caller, const GuestRequest& request, const Reservation& defaults);

    /// Whether this very request, which names its owner, was answered under its idempotency key before. Error{refused}
    /// as request().
    bool is_answered(const Caller& caller, const GuestRequest& request);

    /// One guest more of the owner, as `as` says, its overlay to be made of the archive `file`. Errors as of request().
    GuestReservation import(const Caller& caller, const GuestImport& wanted, const Reservation& as);

    /// A verb on some guests in one transaction: writes desired and want of each by one conditional UPDATE, clears its
    /// fault, supersedes its earlier items, makes the operation with an item per guest ("unchanged" and "refused" ones
    /// ended at once). `visible_owner`: the only owner whose guests exist for this caller, none: all. Error{not_found}
    /// when a glob or the owner matches nothing: then nothing is changed. `networks`: where a guest that is recovered
    /// gets an address when its own is another's by now. Those of `held` are refused for that
    /// reason and stay as they are.
    Operation change(const Caller& caller, const Change& change, const std::optional<std::string>& visible_owner,
                     const NetworkPlan& networks = {}, const std::map<GuestId, std::string>& held = {});
    /// The guests that the same change would move, as it wants them, by natural order. Same errors; changes nothing.
    std::vector<Guest> preview(const Caller& caller, const Change& change,
                               const std::optional<std::string>& visible_owner);

    /// The guests that are meant, by natural order. Same errors for the selection.
    std::vector<Guest> meant(const Selection& selection, const std::optional<std::string>& visible_owner);

    /// Sets it for the guests that are meant, in one transaction; those that were otherwise, as they were. Errors as
    /// change(), and Error{refused} when a new owner's quota is too small.
    std::vector<Guest> set(const Caller& caller, const Setting& setting,
                           const std::optional<std::string>& visible_owner);
    /// The host has started anew: who is always to come up is to be ready, who is never to, off. Repeatable.
    void start_anew();

    /// Writes what a step did, if nobody wrote the row since `before` was read: `after`'s changeable fields, rev + 1;
    /// `desired` only where they differ in it. In the same transaction: an event when `message` is not empty; ends the
    /// pending item of its operation when `after` is settled (done) or newly faulted (failed, with the fault's
    /// message); an address of a guest that became gone goes into quarantine. False when the race is lost: read again.
    /// `made`: copies that were owed; with the last of them nothing is owed any more. `heal`: what is done for the
    /// guest with that; empty: nothing that counts.
    bool save(const Guest& before, const Guest& after, const std::string& kind = "", const std::string& message = "",
              const std::vector<MadeCopy>& made = {}, const std::string& heal = "");

    std::optional<Guest> get(GuestId id);
    /// Of the name; a gone one too.
    std::optional<Guest> named(const std::string& name);
    /// Natural order by name. `visible_owner` as above; `globs` match nothing: fewer or none. `where` is about the
    /// listing and left to who makes it.
    std::vector<Guest> list(const ListQuery& query, const std::optional<std::string>& visible_owner);
    /// All that are not gone, by id.
    std::vector<GuestId> ids();
    /// A guest and how often its row was written.
    struct Revision {
        GuestId id = 0;
        std::int64_t rev = 0;
    };
    /// All that are not gone, by id.
    std::vector<Revision> revisions();
    /// Of the owner, not gone, by id.
    std::vector<GuestId> ids_of(const std::string& owner);
    /// Whether there is any of this kind that is not gone.
    bool any_of(Kind kind);
    /// Those that are starting or stopping, by natural order.
    std::vector<Guest> moving();
    /// How many have a machine, or may have one: they are neither reserved nor stopped nor gone.
    long long count_up();
    /// How many vms of the image and profile are on their way to run for the first time.
    long long count_new(const std::string& image, const std::string& profile);
    /// All that are not gone, counted.
    std::vector<Crowd> census();
    /// How the addresses of the network's guests stand now.
    AddressCount count_addresses(const Network& network);
    /// How many guests that are not gone are in each network, by its name.
    std::map<std::string, long long> count_by_network();
    /// Those that the operation has an item for, by id; none for an operation without.
    std::vector<GuestId> ids_in(OperationId operation);
    /// Those that this operation was the last to write, not gone, by natural order.
    std::vector<Guest> last_written_by(OperationId operation);

  private:
    Session& session_;
    GuestRules rules_;
};

}  // namespace drover
