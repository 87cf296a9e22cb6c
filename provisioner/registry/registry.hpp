#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "model/copy.hpp"
#include "model/health.hpp"
#include "model/meter.hpp"
#include "model/network.hpp"
#include "model/opening.hpp"
#include "model/pool.hpp"
#include "model/requests.hpp"
#include "registry/uptime.hpp"

/// The only SQL of Drover: SQLite, WAL, synchronous FULL, in the subset that PostgreSQL also speaks. One file per
/// aggregate. Every method is one transaction, committed durably before it returns; may be called from any thread.
/// Names, addresses and keys are reserved by UNIQUE constraints, never by looking first. A full or failing disk is
/// Error{unavailable}, with nothing changed.
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

/// Owners, their quotas and keys.
class Owners {
  public:
    explicit Owners(Session& session) : session_(session) {}
    /// Creates or changes. `default_quota` is for a new one. Error{refused} when the login is another owner's.
    Owner set(const OwnerChange& change, long long default_quota);
    /// Error{not_found} "no owner 'alice'" with the hint "drover owner set alice".
    Owner get(const std::string& name);
    /// By name.
    std::vector<Owner> list();
    /// The owner whose login is this account.
    std::optional<std::string> of_login(const std::string& login);
    /// The owner's ssh keys, in their order; none for an owner that there is not.
    std::vector<std::string> keys(const std::string& owner);
    /// Error{refused} while it has guests that are not gone.
    void remove(const std::string& name);

  private:
    Session& session_;
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

/// Copies of overlays: what verbs have owed and steps have made.
class Copies {
  public:
    explicit Copies(Session& session) : session_(session) {}
    /// Those that are owed of the guest, by id.
    std::vector<Copy> owed(GuestId guest);
    /// One that is made, and not being removed.
    std::optional<Copy> get(CopyId id);
    /// Of the guests that the globs mean, none: of all, gone ones included, and only of this owner's when one is given;
    /// by the guests' names and by age.
    std::vector<Copy> list(const std::vector<std::string>& globs, const std::optional<std::string>& owner);
    /// Nothing is made from it from now on: its files can go. Error{not_found}; Error{refused} while it is owed, or an
    /// overlay is to be made from it.
    Copy begin_removal(const Caller& caller, const std::string& guest, const std::string& name,
                       const std::optional<std::string>& visible_owner);
    /// Those that are to go: whose time is over from now on, and what began to go before.
    std::vector<Copy> begin_expiry();
    /// Its files are gone.
    void end_removal(CopyId id);
    /// How long from now until the next is kept no longer; none: no time will come.
    std::optional<Duration> next_expiry();

  private:
    Session& session_;
};

/// What is wanted of guests' services, how they are, and acts: what guests that are ready are told to do once.
class Services {
  public:
    explicit Services(Session& session) : session_(session) {}
    /// The services of a profile; it must live on. None for an unknown one.
    using Declared = std::function<const std::vector<Service>&(const std::string& profile)>;

    /// Writes what is wanted, if the verb lasts, and the operation, with an item "pending" for each guest that is to be
    /// told now. Error{not_found} as Guests::change(), and when no profile of these guests declares the service.
    Operation change(const Caller& caller, const ServiceChange& change, const std::optional<std::string>& visible_owner,
                     const Declared& declared);
    /// Guests are to take their owners' keys anew. Same errors.
    Operation tell_keys(const Caller& caller, const Selection& selection,
                        const std::optional<std::string>& visible_owner);
    /// One is to take a password, which nothing is written of. Same errors.
    Operation tell_password(const Caller& caller, const PasswordChange& change,
                            const std::optional<std::string>& visible_owner);

    /// How it went with one guest.
    struct Told {
        GuestId guest = 0;
        std::optional<OperationId> operation;           ///< whose item ends with it; none: nobody asked
        std::string trouble;                            ///< why it was not done; empty: it was
        std::string service;                            ///< that it was about; empty: it was not
        ServiceStatus status = ServiceStatus::unknown;  ///< as it is now; unknown: not heard
    };
    void end(const std::vector<Told>& told);
    /// An item that is pending.
    struct Pending {
        OperationId operation = 0;
        GuestId guest = 0;
        Phase phase = Phase::ready;  ///< the guest's
        std::string verb;            ///< of the operation
        std::string service;         ///< that it is about; empty: none
    };
    /// What an ended daemon had not done; by operation.
    std::vector<Pending> pending();

    /// Of the guests that are meant, by natural order and then by priority. Error{not_found} as Guests::change().
    std::vector<ServiceRow> list(const Selection& selection, const std::optional<std::string>& visible_owner,
                                 const Declared& declared);
    /// The same of one guest.
    std::vector<ServiceRow> of(const Guest& guest, const Declared& declared);
    /// Of all guests that are ready and have an owner, by id.
    std::vector<ServiceRow> of_all_ready(const Declared& declared);
    /// The same of those of which some service was last heard to be down or failed.
    std::vector<ServiceRow> of_troubled(const Declared& declared);

  private:
    Session& session_;
};

/// Pools and their members: guests without an owner.
class Pools {
  public:
    explicit Pools(Session& session) : session_(session) {}

    /// Creates or changes the pool of `sort`. Error{usage} when nothing is to be in it.
    Pool set(const Caller& caller, const PoolKey& sort, const PoolChange& change);
    /// Its members are to go, and when they are gone the pool is. Error{not_found} "no pool ...".
    Pool drain(const Caller& caller, const PoolKey& sort);
    /// By image, profile, kind.
    std::vector<Pool> list();
    /// All guests without owner that are not gone, by id; also one whose pool is no more.
    std::vector<PoolMember> members();
    /// New members that are to be `desired`, of what `as` says; their ids. Error{refused} when addresses are short.
    std::vector<GuestId> make(const Pool& pool, const Reservation& as, Desired desired, long long count);
    /// An ownerless one that is off is to be parked. False: it is not there any more.
    bool park(const Guest& member);
    /// It is to go, for this reason. `failed`: it could not be made, which the pool counts. False: it is not as it was
    /// any more, it may have an owner.
    bool drop(const PoolMember& member, const std::string& reason, bool failed);
    /// What was asked for lately, in the order in which it came.
    std::vector<Arrival> arrivals(PoolId id);
    /// Arrivals are kept for a day.
    void forget_old_arrivals();
    /// A pool that is drained and empty is no more. False: it is not.
    bool end_drain(const Pool& pool);
    /// Why the guest failed, as the log tells it last.
    std::string last_trouble(const Guest& guest);

  private:
    Session& session_;
};

/// Guests that are lent until some day: notices before it, a stop then, and after a time of grace a backup and the
/// retirement. Each step is told in the log and taken once.
class Leases {
  public:
    explicit Leases(Session& session) : session_(session) {}
    enum class Step { month_left = 1, week_left, day_left, stop, back_up, retire };
    struct Due {
        Guest guest;
        Step step = Step::stop;
    };
    /// What is to be done now, a step of each guest at most; `grace` passes between stop and backup, by the time that
    /// certainly passed. A protected guest stays stopped.
    std::vector<Due> due(Duration grace);
    /// It is done.
    void note(const Due& done, const std::string& message);
    /// The next day on which a lease ends, if there is one to come.
    std::optional<Time> next();
    /// Whether any that ended has steps left.
    bool pending();

  private:
    Session& session_;
};

/// What was done for guests that fell silent or fell over, and how long that counts.
class Heals {
  public:
    explicit Heals(Session& session) : session_(session) {}

    /// A ready guest that is to be ready is to be stopped and started, if nobody wrote its row since `guest` was read:
    /// want.boot counts up. In the same transaction: it counts as a try, and an event says why. `limit.tries` within
    /// `limit.forget` are enough: then it gets a fault instead.
    struct Limit {
        long long tries = 0;
        Duration forget{0};
    };
    enum class Outcome { begun, used_up, lost };
    Outcome restart(const Guest& guest, const Limit& limit, const std::string& why);
    /// Something of the guest, a service, is to be started anew: counts, and says so, as restart(); used up: says that
    /// once, and no fault.
    Outcome begin(const Guest& guest, const std::string& subject, const Limit& limit, const std::string& message);

    /// How many count, of the guest itself or of a subject in it.
    long long count(GuestId guest, const std::string& subject, Duration forget);
    /// The same of all guests' selves that have any.
    std::map<GuestId, long long> counts(Duration forget);
    /// When the oldest that counts is forgotten, from now; none: there is none.
    std::optional<Duration> forgotten_in(GuestId guest, Duration forget);
    /// One that is not over: the guest is not well again.
    struct Open {
        long long id = 0;
        GuestId guest = 0;
        std::string subject, action;
        Time time;
    };
    std::vector<Open> open();
    /// How many there were of each action, ever: "restart" of a silent guest, "start" of one that was off, "service".
    std::map<std::string, long long> tallies();
    bool is_open(GuestId guest, const std::string& subject);
    /// It is over; `message`, if any, becomes an event.
    void end(const Open& heal, const std::string& message);
    /// Those that count no longer are removed.
    void forget_old(Duration forget);

    /// Until when nothing is to be done, who says so and why.
    std::optional<HealthPause> pause();
    void set_pause(const Caller& caller, const std::optional<Duration>& lasts, const std::string& reason);
    /// False: there was none. `who`: an account, or what ended it.
    bool end_pause(const std::string& who);
    /// Why nothing is done though nobody paused it, for who reads the registry alone; empty: no reason.
    void set_suspended(const std::string& reason);

    /// The last events of health and faults of the guest, oldest first, at most `limit`.
    std::vector<Event> story(const std::string& guest, int limit);

  private:
    Session& session_;
};

/// Ports of guests that are open for a limited time, by the time that certainly passed.
class Openings {
  public:
    explicit Openings(Session& session) : session_(session) {}

    /// What holds where a guest is.
    struct Rules {
        OpeningPolicy policy;
        Network network;                           ///< the guest's: nobody from outside comes from there
        std::function<bool(ServicePort)> is_free;  ///< whether nobody on the host has this port of it
    };
    struct Opened {
        Opening opening;
        bool is_new = true;  ///< false: it was open so already
    };
    /// One row, with a port of the host where it is published, and a finished operation. Error{not_found} for a guest
    /// that the caller may not see, Error{refused} for what the rules forbid, or when the port is open otherwise.
    Opened open(const Caller& caller, const OpeningRequest& request, const std::optional<std::string>& visible_owner,
                const Rules& rules);
    /// It closes later by `lasts`; once. A finished operation. Error{not_found}, Error{refused}.
    Opening extend(const Caller& caller, const std::string& guest, const ServicePort& port,
                   const std::optional<Duration>& lasts, const std::optional<std::string>& visible_owner,
                   const OpeningPolicy& policy);
    /// Error{not_found} when the port of the guest, as this caller sees it, is not open.
    Opening get(const std::string& guest, const ServicePort& port, const std::optional<std::string>& visible_owner);
    /// It is closed. A finished operation. False: it was already.
    bool close(const Caller& caller, const Opening& opening);

    /// Those that are open, of the guests that the globs mean, none: of all, and only of this owner's when one is
    /// given; by name and port.
    std::vector<Opening> list(const std::vector<std::string>& globs, const std::optional<std::string>& owner);
    /// The same of one guest.
    std::vector<Opening> of(GuestId guest);
    /// Those whose time is over, or whose guest is gone.
    std::vector<Opening> over();
    /// They are no more, if that still holds. Notes how much time has certainly passed, also when there are none.
    void end(const std::vector<Opening>& over);
    /// Once at each start: after a reboot, what was to be closed by now is, by the wall clock too.
    void start_anew();

  private:
    Session& session_;
};

/// Images: their versions, and which of these new guests get.
class Images {
  public:
    explicit Images(Session& session) : session_(session) {}
    /// There is this version: it was built, or found on the disk. The first of an image is what its new guests get.
    void add(const std::string& image, const std::string& digest);
    struct Named {
        std::string image, digest;
    };
    /// The version that `text` means: its digest, with or without "sha256:", or so much of the beginning of it that no
    /// other is meant. Error{not_found}, Error{refused} when it may be several.
    Named meant(const std::string& text);
    /// The same among those of one image.
    Named meant(const std::string& image, const std::string& text);
    /// Makes `digest` the version that new guests of the image get; nothing: the one built last. Returns it. An
    /// operation, ended at once. Error{not_found} when there is no such version.
    std::string promote(const Caller& caller, const std::string& image, const std::optional<std::string>& digest);
    /// New guests get what they got before the last promotion; done twice, nothing has changed. Returns it. An
    /// operation, ended at once. Error{refused} when they never got anything else.
    std::string roll_back(const Caller& caller, const std::string& image);
    /// Begins to remove it: nothing refers to it from now on. Repeatable. Error{refused} while new guests get it, or a
    /// guest wants, has or could go back to it, naming some; Error{not_found}.
    OperationId begin_removal(const Caller& caller, const std::string& image, const std::string& digest);
    /// It is gone from the disk.
    void end_removal(const std::string& image, const std::string& digest);
    /// Error{not_found} "no image 'x'" with the hint "drover image build x".
    std::string current(const std::string& image);
    struct Row {
        std::string image, digest;
        Time built;
        std::optional<Time> promoted;  ///< of the version that new guests get: since when
        long long guests = 0;          ///< that want or have it, not gone
    };
    /// All versions but those that are being removed, by image, the newest first.
    std::vector<Row> list();

  private:
    Session& session_;
};

/// Operations and their items.
class Operations {
  public:
    explicit Operations(Session& session) : session_(session) {}
    /// An operation without guests (an image build): ended by finish().
    OperationId begin(const Caller& caller, const std::string& verb, const std::string& arguments);
    void finish(OperationId id, const std::string& outcome, const std::string& message);
    /// No further guest of it begins, or they do again. Error{not_found}; Error{refused} when it has ended.
    void pause(const Caller& caller, OperationId id, bool paused);
    /// Its guests with which nothing has begun are to be what they were before, and their items end "cancelled": they
    /// are returned. The others go on. `reason` why its wave stopped; empty: somebody cancels it. Errors as above.
    std::vector<GuestId> cancel(const Caller& caller, OperationId id, const std::string& reason = "");
    /// Of an operation whose other guests wait for canaries.
    struct Canaries {
        std::vector<GuestId> pending;  ///< not there yet
        std::string failed;            ///< why one will not get there; empty: none
        std::optional<Time> last;      ///< when the last one got there
        Duration settle{0};            ///< how long they are watched from then on
    };
    /// None when it has none.
    std::optional<Canaries> canaries(OperationId id);
    /// With items. Error{not_found}.
    Operation get(OperationId id);
    /// Without items: costs the same however many there are. Error{not_found}.
    Operation summary(OperationId id);
    /// The same, but only what this caller asked for as this owner exists.
    Operation summary_of(OperationId id, const Caller& caller, const std::string& owner);
    /// Newest first, without items, at most `limit`.
    std::vector<Operation> list(int limit);
    /// The same, but only what this caller asked for as this owner exists.
    std::vector<Operation> list_of(int limit, const Caller& caller, const std::string& owner);
    /// How many there are of one verb that ended, or stand, alike.
    struct Tally {
        std::string verb, outcome;
        long long count = 0;
    };
    std::vector<Tally> tallies();
    /// Among the newest those that have not ended, newest first, at most `limit`.
    std::vector<Operation> running(int limit);
    /// Begun without guests and not finished: what a killed daemon left.
    std::vector<Operation> unfinished_without_items();

  private:
    Session& session_;
};

/// What befalls guests and is news to others: one got ready, was off after it had run, went for good, or got a fault;
/// an operation of several guests ended.
enum class Happening { ready, stopped, gone, fault, wave_done };

/// The log of what happened: one row an event, in order.
class Events {
  public:
    explicit Events(Session& session) : session_(session) {}
    void add(const std::string& kind, const std::string& guest, std::optional<OperationId> operation,
             const std::string& message);
    /// Those after `id`, oldest first, at most `limit`, of one guest's owner only when `visible_owner` is given.
    std::vector<Event> since(long long id, int limit, const std::optional<std::string>& visible_owner);
    struct Batch {
        std::vector<Event> events;
        long long up_to = 0;  ///< the last event that was looked at
    };
    /// Of those after `id` the first that are this happening, at most `limit`.
    Batch happened(Happening happening, long long id, int limit);
    /// The newest id, 0 for none.
    long long last();
    /// `added` is called after each commit that added events, from the committing thread, outside of all locks. It must
    /// return fast. Set once, at the start.
    void watch(std::function<void()> added);

  private:
    Session& session_;
};

/// Opens the registry and holds its aggregates.
class Registry {
  public:
    struct Options {
        std::string file;        ///< registry.db
        std::string migrations;  ///< folder of NNNN-name.sql
        GuestRules rules{};
        std::function<Time()> clock = now;               ///< tells the time that is written; any thread
        std::function<Uptime()> uptime = kernel_uptime;  ///< tells how long addresses rested and answers are kept
        long long reserve = 0;  ///< bytes in a file "reserve" beside it, given up when its disk is full
    };
    /// Opens or creates the file and brings it up to date: each migration in one transaction, after a copy
    /// "registry.db.before-NAME" was kept. Error{refused} for a database that is newer than this program.
    explicit Registry(const Options& options);
    ~Registry();

    /// What its writes cost.
    [[nodiscard]] const CallMeter& writes() const;
    /// Its UUID, made with the file: the owner tag of all that is ours.
    [[nodiscard]] const std::string& uuid() const { return uuid_; }
    /// The networks that its guests' addresses belong to. Set once, before other threads ask.
    void set_networks(NetworkPlan networks) { networks_ = std::move(networks); }
    [[nodiscard]] const NetworkPlan& networks() const { return networks_; }

    /// A small durable note: the subnet that `auto` chose, the accelerator found at this boot.
    std::optional<std::string> note(const std::string& key);
    void set_note(const std::string& key, const std::string& value);
    void drop_note(const std::string& key);
    /// The keys that begin so.
    std::vector<std::string> note_keys(const std::string& beginning);
    /// A consistent copy into a new file, while everything goes on. Error{refused} when the file exists.
    void backup(const std::string& file);

  private:
    NetworkPlan networks_;
    std::unique_ptr<Session> session_;
    std::string uuid_;

  public:
    Owners owners;
    Guests guests;
    Copies copies;
    Services services;
    Leases leases;
    Pools pools;
    Heals heals;
    Openings openings;
    Images images;
    Operations operations;
    Events events;
};

}  // namespace drover
