#pragma once
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/copy.hpp"
#include "model/diagnosis.hpp"
#include "model/error.hpp"
#include "model/health.hpp"
#include "model/network.hpp"
#include "model/opening.hpp"
#include "model/pool.hpp"
#include "model/requests.hpp"

/// The JSON that crosses the socket: the one place that knows its field names. schema/openapi.yaml describes it for
/// people. Everything here is pure and may be called from any thread.
///
/// Decoders of requests are strict: an unknown, missing, doubled or mistyped field, a value out of range, a text that
/// is too long or a list with too many entries is Error{usage} that names the field and the value. Decoders of answers
/// ignore fields they do not know, so that an older client understands a newer daemon.
namespace drover::wire {

/// Fields keep the order in which they were written: the order of the documentation.
using Json = nlohmann::ordered_json;

/// Bounds of what a request may hold.
inline constexpr std::size_t max_body = 1U << 20;  ///< bytes of a request body
inline constexpr int max_depth = 8;                ///< nested lists and objects
inline constexpr std::size_t max_fields = 64;      ///< in one object
inline constexpr int max_answer_depth = 32;        ///< nested lists and objects of an answer
inline constexpr std::size_t max_globs = 1000;
inline constexpr std::size_t max_keys = 64;
inline constexpr long long max_count = 10000;  ///< guests in one request
inline constexpr long long max_quota = 1000000;
inline constexpr long long max_limit = 10000;      ///< rows in one answer
inline constexpr long long max_wait_seconds = 30;  ///< of one look at an operation
inline constexpr std::size_t max_idempotency_key = 64;

/// Parses a text that came from outside. Error{usage}: no JSON, not UTF-8, a field twice in one object, more than
/// max_fields in one, deeper than max_depth, longer than max_body.
Json parse(std::string_view text);
/// Parses an answer of the daemon, of any length. Error{failed} when it is no JSON or deeper than
/// max_answer_depth.
Json parse_answer(std::string_view text);
/// One line of text, without line end. Bytes that are not UTF-8 (a message from some program) become U+FFFD.
std::string dump(const Json& json);
/// The same, indented for people.
std::string dump_pretty(const Json& json);

// ---- guests -------------------------------------------------------------------------------------------------------

/// One entry of `drover list`: id name owner kind image version profile phase desired network address addresses mac
/// domain host fault created started_by. `version` is the one it has, or wants while it has none; `address` the IPv4
/// one.
Json guest_listing(const Guest& guest, const std::string& instance, const NetworkPlan& networks);
/// guest_listing and ssh, host_key (null until it is made), timings (an object of seconds by name), autostart,
/// protected, lease (a time, or null).
Json guest_show(const Guest& guest, const std::string& instance, const NetworkPlan& networks);
/// "SHA256:..." of a public key "ssh-ed25519 AAAA...", as ssh-keygen -l prints it.
std::string key_fingerprint(std::string_view public_key);

/// The body of POST /v1/guests. The idempotency key travels in a header and is checked here too (empty: none).
Json encode(const GuestRequest& request);
GuestRequest decode_guest_request(const Json& body, const std::string& idempotency_key = "");
/// Error{usage} unless 1-64 of [A-Za-z0-9._-].
void check_idempotency_key(std::string_view key);

/// The answer to POST /v1/guests: operation ("o-12"), created, existing, outcome ("running", or "done" when there was
/// nothing to make).
Json encode(const GuestReservation& reservation, const std::string& outcome);
GuestReservation decode_reservation(const Json& answer);

/// The body of POST /v1/imports: file (absolute), owner.
Json encode(const GuestImport& wanted);
GuestImport decode_import(const Json& body);

/// The body of POST /v1/changes: verb and exactly one of globs, owner, all; wave (parse_wave_policy), plan; of an
/// upgrade to, canaries, settle, shadows.
Json encode(const Change& change);
Change decode_change(const Json& body);

/// The body of POST /v1/shadows: exactly one of globs, owner, all; to.
Json encode(const ShadowQuery& query);
ShadowQuery decode_shadow_query(const Json& body);

/// guest service priority wanted ("up" or "down") state ("up", "down", "failed", "absent", "unknown") since (or null).
Json encode(const ServiceRow& row);
/// The body of POST /v1/services: verb, service, and exactly one of globs, owner, all.
Json encode(const ServiceChange& change);
ServiceChange decode_service_change(const Json& body);
/// The body of POST /v1/keys: exactly one of globs, owner, all.
Json encode(const Selection& selection);
Selection decode_key_change(const Json& body);
/// The body of POST /v1/passwords: guest, user, hash.
Json encode(const PasswordChange& change);
PasswordChange decode_password_change(const Json& body);

/// guest kind name version asked made (or null) expires (or null) bytes file (or null).
Json encode(const Copy& copy);
/// guest port ("1098/tcp") from (or null) host_port (or null) opened closes left (seconds) extended who reason.
Json encode(const Opening& opening);
/// The body of POST /v1/guests/{name}/openings: port, for, from, reason, publish.
Json encode(const OpeningRequest& request);
OpeningRequest decode_opening_request(const std::string& guest, const Json& body);
/// The body of POST /v1/guests/{name}/openings/{port}/{protocol}: for (a duration; absent: as the site says).
Json encode_extension(const std::optional<Duration>& lasts);
std::optional<Duration> decode_extension(const Json& body);
/// Whether a listing has all these values: exact text of the field; "" for null, one of several for addresses, the
/// kind for fault.
bool listing_matches(const Json& listing, const std::map<std::string, std::string>& where);

// ---- operations, events, owners, images, findings -----------------------------------------------------------------

/// id ("o-12") who verb arguments (an object) created finished (or null) outcome done total message wave (or null)
/// paused.
Json operation_listing(const Operation& operation);
/// operation_listing and items: a list of {name, outcome, phase, reason, begun, ended}, the last two in seconds since
/// the operation was created, or null.
Json operation_with_items(const Operation& operation);
/// What is to be expected of an unfinished operation.
struct Outlook {
    std::string waits_for;            ///< what holds the next of its guests; empty: nothing
    std::optional<Duration> ends_in;  ///< for all that is known now
};
/// The operation and waits_for, ends_in (seconds), each or null.
Json with_outlook(Json operation, const Outlook& outlook);
Outlook decode_outlook(const Json& answer);

/// What a guest hides of a version.
struct ShadowSight {
    std::vector<Shadow> shadows;
    std::string unknown;  ///< why it is not known; empty: it is
};
/// One guest's entry in the answer to POST /v1/shadows.
struct ShadowRow {
    std::string name, from, to;  ///< between which versions; empty: it never ran another
    std::size_t asked = 0, left_out = 0;
    ShadowSight sight;
};
/// name from to (each a digest or null) asked left_out shadows (a list of {path, how}) unknown (why they are not known,
/// or null).
Json encode(const ShadowRow& row);

/// What a change would do.
struct Plan {
    struct Guest {
        std::string name;
        std::optional<Duration> begin, end;    ///< from now
        std::optional<ShadowSight> shadows{};  ///< of a verb that changes its version
    };
    Verb verb = Verb::start;
    std::vector<Guest> guests;        ///< in the order in which they begin
    std::optional<Duration> ends_in;  ///< none: it would be held for a time that nobody knows
};
/// verb guests (a list of {name, begin, end}) ends_in; times in seconds from now, or null. Where its version changes,
/// a guest has also shadows (null: not known) and unknown.
Json encode(const Plan& plan);

/// Either form.
Operation decode_operation(const Json& answer);

/// id time kind guest (or null) operation (or null) message.
Json encode(const Event& event);

/// name login (or null) quota guests keys.
Json encode(const Owner& owner);
/// The body of PUT /v1/owners/{name}: quota, keys, login (null: none); what is absent stays as it is.
Json encode(const OwnerChange& change);
OwnerChange decode_owner_change(const std::string& name, const Json& body);

/// What guests of a version under a profile are forked from.
struct TemplateRow {
    std::string profile, fork_point;
    std::string state;         ///< queued, making, ready or failed
    std::optional<Time> made;  ///< none: it is not ready
    Duration took{0};          ///< to make it
    long long bytes = 0;       ///< on disk
    std::string reason;        ///< why it failed
};
/// A version of an image, or a recipe that was never built.
struct ImageRow {
    std::string image;
    std::string version;           ///< "sha256:..."; empty: never built
    bool current = false;          ///< the one that new guests get
    std::optional<Time> built;     ///< last
    std::optional<Time> promoted;  ///< when it became that
    long long guests = 0;          ///< that want or have it
    long long bytes = 0;           ///< on disk
    std::vector<TemplateRow> templates{};
};
/// image version (or null) current built (or null) promoted (or null) guests bytes templates (a list of {profile,
/// fork_point, state, made (or null), took (seconds), bytes, reason (or null)}).
Json encode(const ImageRow& row);
/// The body of POST /v1/images/{name}/build: template, whether to make one, too; false when absent.
bool decode_image_build(const Json& body);
/// A cloud image of others' that is to become a version.
struct ImageAddition {
    std::string file;                ///< on the host, absolute
    long long memory = 512LL << 20;  ///< bytes that a guest of it needs at least
};
/// The body of POST /v1/images/{name}/versions: file cloud_init (true: there are no others) memory.
Json encode(const ImageAddition& addition);
ImageAddition decode_image_addition(const Json& body);
/// What was found when a version was read whole: nothing, or the file that is damaged, and how.
struct Verification {
    std::string image, version;
    std::optional<std::string> damaged;
};
/// image version damaged (or null).
Json encode(const Verification& verification);
/// How one version differs from another: packages with their version in either (null: not there), files that were
/// "added", "removed" or "changed".
struct Differences {
    struct Package {
        std::string name, from, to;
    };
    struct File {
        std::string path, change;
    };
    std::string from, to;
    std::vector<Package> packages;
    std::vector<File> files;
};
Json encode(const Differences& differences);
/// The body of POST /v1/images/NAME/promote: version, or so much of it that no other is meant; none: the one built
/// last.
std::optional<std::string> decode_promotion(const Json& body);

/// kind object guest (or null) detail repair.
Json encode(const Finding& finding);
/// The body of POST /v1/fsck: repair, false when absent.
bool decode_fsck(const Json& body);
/// For a route that takes an object without fields.
void decode_nothing(const Json& body);

/// image profile kind stopped parked (each {have, target}) making outdated leaving fixed schedule demand (or null)
/// draining made taken per_minute failures trouble (or null) retry_in (seconds, or null).
Json encode(const PoolState& state);
/// The body of POST /v1/pools: image, profile, kind, stopped, parked, schedule (a list of entries; empty: none), demand
/// (percent; 0: none). What is absent stays as it is.
Json encode(const PoolChange& change);
PoolChange decode_pool_change(const Json& body);
/// The body of POST /v1/pools/drain: image, profile, kind.
PoolChange decode_pool_name(const Json& body);

/// The body of POST /v1/settings: exactly one of autostart, protected, give_to, lease (a time, or null), and exactly
/// one of globs, owner, all.
Json encode(const Setting& setting);
Setting decode_setting(const Json& body);

/// The body of POST /v1/host/stop: budget, a duration; 5 minutes when absent.
Duration decode_host_stop(const Json& body);
/// How the host is: mode ("running" or "stopped"), guests_up (those that are not off yet), force_in (seconds until
/// they are forced off, or null).
struct Host {
    bool stopped = false;
    long long guests_up = 0;
    std::optional<Duration> force_in;
};
Json encode(const Host& host);

/// heard clock_ahead (seconds) disk_used disk_size memory_free memory_size (bytes).
Json encode(const GuestLevels& levels);
/// ladder ("watching", "paused" or "suspended") reason since ends_in (seconds; each of these or null) watched silent
/// healing.
Json encode(const HealthState& state);
/// guest state ("well", "silent", "healing", "faulted" or "off") heard silence (seconds; each or null) tries next.
Json encode(const GuestHealth& health);
/// Those of a guest's health, and: whole (a HealthState), tries_forgotten_in (seconds, or null), levels (or null),
/// decisions (a list of {time, text}).
Json encode(const HealthStory& story);
/// The body of POST /v1/health/pause: for (a duration; absent: until somebody resumes), reason.
struct PauseOrder {
    std::optional<Duration> lasts;
    std::string reason;
};
Json encode(const PauseOrder& order);
PauseOrder decode_pause(const Json& body);

/// check level message mend.
Json encode(const Diagnosis& diagnosis);
Json encode(const Diagnoses& diagnoses);

/// The answer to GET /v1/status.
struct Status {
    std::string instance, version, registry, subnet, accelerator;
};
Json encode(const Status& status);

/// One entry of GET /v1/networks. What is about all of a network is an administrator's to see.
struct NetworkReport {
    Network network;
    bool runs = false;
    std::string trouble;  ///< why it does not; empty: nothing
    struct Room {
        long long used = 0, resting = 0, free = 0;
    };
    std::optional<Room> room;  ///< none, and neither subnets nor bridge: the caller is no administrator
    struct Member {
        std::string name, owner;  ///< no owner: a pool's
        std::string phase;
        std::vector<std::string> addresses;
        std::vector<std::string> openings{};  ///< what is open of it: "1098/tcp"
    };
    std::vector<Member> guests;  ///< those that the caller may see, by natural order
};
/// name mode guests (a list of {name, owner, phase, addresses, openings}); for administrators also state ("up" or
/// "down") trouble network bridge vlan cidr cidr6 gateway gateway6 dns traffic (between guests) addresses ({used,
/// resting, free}).
Json encode(const NetworkReport& report);

// ---- errors ---------------------------------------------------------------------------------------------------------

/// {"error": {"kind", "message", "hint"}}
Json encode(const Error& error);
/// The error in an answer with this HTTP status. A body that is no error of ours becomes Error{failed}, or
/// Error{unavailable} for 502-504.
Error decode_error(int http_status, std::string_view body);

// ---- paths and query strings
// ------------------------------------------------------------------------------------------

/// In the order of the query string; a name may come several times.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// A request target taken apart: "/v1/guests/alice-1?x=y" -> {"v1","guests","alice-1"}, {{"x","y"}}.
struct Target {
    std::vector<std::string> path;
    Parameters parameters;
};
/// Error{usage} for a bad escape, a NUL, an empty path segment, more than 8 KiB.
Target parse_target(std::string_view target);
/// Escapes all but letters, digits and "-._~".
std::string escape(std::string_view text);
/// "?a=b&c=d", or "" for none.
std::string query_string(const Parameters& parameters);

/// glob (repeated), owner, gone=true, where=key=value (repeated; the key is a field of the listing).
Parameters encode(const ListQuery& query);
ListQuery decode_list_query(const Parameters& parameters);

/// What of GET /v1/copies, GET /v1/health and GET /v1/openings is meant: glob (repeated).
std::vector<std::string> decode_copy_query(const Parameters& parameters);

/// What of GET /v1/services is meant: glob (repeated) or owner; none of them: all that there are.
Parameters encode_service_query(const Selection& selection);
Selection decode_service_query(const Parameters& parameters);

/// since, limit, follow=true.
struct EventQuery {
    long long since = 0;
    int limit = 1000;
    bool follow = false;
};
EventQuery decode_event_query(const Parameters& parameters);

/// What of a guest's log is meant: boot=N starts ago, the last lines=N (0: all), follow=true for what is to come.
struct LogQuery {
    int boot = 0;
    int lines = 0;
    bool follow = false;
};
LogQuery decode_log_query(const Parameters& parameters);

/// The protocol that a console is spoken to in once the HTTP is over: the bytes alone.
inline constexpr const char* console_protocol = "drover-console";
/// The body of POST /v1/guests/NAME/console: force, false when absent.
bool decode_console(const Json& body);

/// How a look at an operation may wait: until it is finished, more than `done` items are done, or `wait` has passed.
/// Without a wait the answer comes at once.
struct OperationWait {
    long long done = 0;
    Duration wait{0};      ///< at most max_wait_seconds; given in whole seconds
    bool outlook = false;  ///< tell what is to be expected, too
};
OperationWait decode_operation_wait(const Parameters& parameters);

/// What a difference is asked between: from=VERSION&to=VERSION, or so much of each that no other is meant.
struct VersionPair {
    std::string from, to;
};
VersionPair decode_version_pair(const Parameters& parameters);

/// limit=N, 1 - max_limit; `standard` when absent.
int decode_limit(const Parameters& parameters, int standard);
/// Error{usage} when there is any: for routes that take none.
void expect_none(const Parameters& parameters);

}  // namespace drover::wire
