#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/guest.hpp"
#include "model/service.hpp"
#include "model/shadow.hpp"
#include "model/wave_policy.hpp"

/// What people ask for and what they get back: the same types from the command line to the registry. Their JSON form is
/// wire/wire.hpp.
namespace drover {

/// Who asks. Made at the edge from the peer's credentials; only the gateway's word on whom it acts for is believed.
struct Caller {
    std::string name;            ///< the account that is acted as; "uid 1234" when it has no name
    bool administrator = false;  ///< root or a member of drover-admin, never through the gateway
    std::string through{};       ///< the gateway's account, when it acts for `name`

    /// As it is recorded: "alice", or "alice (through www-data)".
    [[nodiscard]] std::string who() const;
};

/// "See that `owner` has `count`."
struct GuestRequest {
    std::optional<std::string> owner;  ///< none: the caller's own
    long long count = 0;               ///< 1 - 10000
    std::optional<std::string> image, profile;
    std::optional<std::string> network;  ///< one of the instance's; empty: the default one
    std::optional<Kind> kind;
    bool additional = false;      ///< `count` more, whatever there is
    std::string idempotency_key;  ///< HTTP header Idempotency-Key; empty: none

    bool operator==(const GuestRequest&) const = default;
};

/// A guest to be made of an archive.
struct GuestImport {
    std::string file;   ///< absolute, on the host
    std::string owner;  ///< whose it is to be

    bool operator==(const GuestImport&) const = default;
};

/// What a request reserved.
struct GuestReservation {
    OperationId operation = 0;
    std::vector<std::string> created, existing;
};

enum class Verb {
    start,
    stop,
    restart,
    rebuild,
    retire,
    upgrade,
    rollback,
    snapshot,
    backup,
    exporting,
    restore,
    recover
};
std::string_view to_text(Verb verb);
Verb parse_verb(std::string_view text);

/// Which guests a verb or a list is about: exactly one of the three for a verb; none of them for "all I may see" in a
/// list.
struct Selection {
    std::vector<std::string> globs;
    std::optional<std::string> owner;
    bool all = false;

    bool operator==(const Selection&) const = default;
};

/// One verb on some guests.
struct Change {
    Verb verb = Verb::start;
    Selection selection;
    std::optional<WavePolicy> wave{};  ///< how fast; none: as the configuration says
    bool plan = false;                 ///< only tell what would be done
    // Of an upgrade:
    std::optional<std::string> to{};        ///< a version, as Images::meant() takes it; none: what new guests get
    std::vector<std::string> canaries{};    ///< names of those that go first; the others wait until they are ready
    std::optional<Duration> settle{};       ///< and have stayed so for this long
    std::optional<ShadowPolicy> shadows{};  ///< what to do about them; none: as the configuration says
    // Of the verbs on overlays:
    bool with_snapshot = false;       ///< an upgrade makes one before, a rollback goes back to it
    std::string copy{};               ///< what a snapshot or backup is to be called; which one to restore; empty: any
    std::string file{};               ///< where an export goes, absolute
    std::vector<std::string> keep{};  ///< paths that a rebuild leaves as they are
    bool purge = false;               ///< a retirement keeps nothing

    bool operator==(const Change&) const = default;
};

/// `drover shadows`: what some guests hide of a version.
struct ShadowQuery {
    Selection selection;
    std::optional<std::string> to{};  ///< as Images::meant() takes it; none: what new guests get

    bool operator==(const ShadowQuery&) const = default;
};

/// What is written of some guests and lasts: exactly one of the first four.
struct Setting {
    std::optional<Autostart> autostart{};
    std::optional<bool> is_protected{};          ///< neither rebuilt nor retired until it is taken back
    std::optional<std::string> owner{};          ///< whose they are from now on
    std::optional<std::optional<Time>> lease{};  ///< until when they are lent, or for ever
    Selection selection;
};

/// A verb on one service of some guests.
struct ServiceChange {
    ServiceVerb verb = ServiceVerb::restart;
    std::string service;
    Selection selection;

    bool operator==(const ServiceChange&) const = default;
};

/// A password of one login of one guest: its hash alone.
struct PasswordChange {
    std::string guest, user;
    std::string hash;  ///< is_password_hash()

    bool operator==(const PasswordChange&) const = default;
};

/// How far an operation is with one guest: "pending", then "done", "failed", "unchanged", "refused", "superseded" or
/// "cancelled".
struct Item {
    GuestId guest = 0;
    std::string name;
    std::string outcome;
    Phase phase = Phase::reserved;  ///< the guest's, now
    std::string reason;             ///< why it failed, was refused or cancelled
    std::optional<Time> begun;      ///< when it began to start or stop
    std::optional<Time> ended;      ///< when it got its outcome
};

/// One accepted request for change; durable; also the audit trail.
struct Operation {
    OperationId id = 0;
    std::string who;
    std::string verb;       ///< "request", a Verb, "image-build", ...
    std::string arguments;  ///< JSON
    Time created;
    std::optional<Time> finished;
    std::string outcome;  ///< "running", "done", "failed", "partial", "cancelled"
    long long total = 0, done = 0;
    std::string message;      ///< how it ended, for operations without items, or why its wave stopped
    std::string wave;         ///< a WavePolicy as text; empty: as the configuration says
    bool paused = false;      ///< no further guest begins
    std::vector<Item> items;  ///< only where asked for
};

struct Owner {
    std::string name;
    std::optional<std::string> login;  ///< account on the host that acts as this owner
    long long quota = 0;
    long long guests = 0;  ///< not gone, nor on their way to it
    std::vector<std::string> keys;
};

/// `drover owner set`: what is absent stays as it is.
struct OwnerChange {
    std::string name;
    std::optional<long long> quota;
    std::optional<std::vector<std::string>> keys;
    std::optional<std::string> login;  ///< empty: no account acts as this owner any more

    bool operator==(const OwnerChange&) const = default;
};

struct Event {
    long long id = 0;
    Time time;
    std::string kind;   ///< "phase", "fault", "operation", "image", "daemon", "health" ...
    std::string guest;  ///< its name, or empty
    std::optional<OperationId> operation;
    std::string message;
};

/// `drover list`.
struct ListQuery {
    Selection selection;
    bool gone = false;
    std::map<std::string, std::string> where;  ///< exact matches on the fields of the listing

    bool operator==(const ListQuery&) const = default;
};

/// What `drover fsck` found.
struct Finding {
    std::string kind;    ///< orphan-domain, orphan-overlay, missing-overlay, ...
    std::string object;  ///< the domain, file, address ... at fault
    std::string guest;   ///< name of the guest concerned, or empty
    std::string detail, repair;
};

/// "o-12" and back; parse throws Error{usage} naming the text.
std::string operation_name(OperationId id);
OperationId parse_operation_name(std::string_view text);

}  // namespace drover
