#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/service.hpp"
#include "model/shadow.hpp"

/// The control channel's language, pure: no I/O, shared with the guest's end. docs/design/0003-control-channel.md is
/// its description. Lines of UTF-8 without control characters, at most 4096 bytes with their newline.
namespace drover::control {

inline constexpr std::size_t max_line = 4096;
inline constexpr int protocol = 1;

// --- what a guest says -------------------------------------------------------------------------------------------

/// `HELLO 1 BOOT-ID HOST-KEY`: it is up. HOST-KEY is the ed25519 public key (base64, 32 bytes) that it has, or "-".
struct Hello {
    std::string boot_id;   ///< 32 hex digits, new at each boot of its kernel
    std::string host_key;  ///< base64 of 32 bytes, or empty
    bool operator==(const Hello&) const = default;
};
/// `READY DIGEST`: it runs under the identity with that digest (64 hex). Repeatable.
struct Ready {
    std::string digest;
    bool operator==(const Ready&) const = default;
};
/// `OK n`
struct Ok {
    std::uint32_t n = 0;
    bool operator==(const Ok&) const = default;
};
/// `ERR n text`
struct Err {
    std::uint32_t n = 0;
    std::string text;
    bool operator==(const Err&) const = default;
};
/// `SERVICE name state`: up, down, failed or absent.
struct ServiceState {
    std::string name;
    ServiceStatus status = ServiceStatus::unknown;
    bool operator==(const ServiceState&) const = default;
};
/// `HIDDEN n i HOW i HOW ...`: of the paths of the request n, counted from 0, these hide what the root has.
struct Hidden {
    struct Entry {
        std::uint32_t index = 0;
        Hiding how = Hiding::edited;
        bool operator==(const Entry&) const = default;
    };
    std::uint32_t n = 0;
    std::vector<Entry> entries;
    bool operator==(const Hidden&) const = default;
};
/// `FORKABLE`: the template that it is waits at its fork point, for others to go on from there with a RENEW.
struct Forkable {
    bool operator==(const Forkable&) const = default;
};
/// `LEVELS TIME DISK-USED DISK-SIZE MEMORY-FREE MEMORY-SIZE`: its clock (ms since 1970), and bytes of the disk that is
/// its own and of its memory. Said with the answer to a PING, now and then.
struct Levels {
    std::int64_t time = 0;
    std::int64_t disk_used = 0, disk_size = 0, memory_free = 0, memory_size = 0;  ///< at most most_bytes
    bool operator==(const Levels&) const = default;
};
using FromGuest = std::variant<Hello, Ready, Ok, Err, ServiceState, Hidden, Forkable, Levels>;

inline constexpr std::int64_t most_bytes = std::int64_t{1} << 60;

// --- what the daemon says ----------------------------------------------------------------------------------------

/// `KEY n authorized TEXT` (one ssh public key of the owner) or `KEY n host BASE64` (the seed, 32 bytes, of a fresh
/// ed25519 host key). Kept until the IDENTITY that follows puts all of them into force.
struct Key {
    std::uint32_t n = 0;
    std::string kind, text;
    bool operator==(const Key&) const = default;
};
/// Name, addresses and owner of a guest, as told by `IDENTITY n {json}`; what is of IPv6, by the ADDRESS6 before.
struct Identity {
    std::string name, domain, owner;
    std::string address;  ///< "10.77.0.9/20"
    std::string gateway, dns, mac, machine_id;
    std::string address6;   ///< "fd12::9/64", or empty: no IPv6
    std::string gateway6;   ///< "fd12::1", or empty: no way out by IPv6
    std::int64_t time = 0;  ///< the host's clock, ms since 1970; no part of the digest
    bool operator==(const Identity&) const = default;
};
/// `ADDRESS6 n ADDRESS/PREFIX GATEWAY`, or "-" for no gateway: kept, as a KEY is, for the IDENTITY that follows. A
/// guest's end from before it drops the line, and goes on without.
struct TellAddress6 {
    std::uint32_t n = 0;
    std::string address, gateway;  ///< as in Identity
    bool operator==(const TellAddress6&) const = default;
};
struct Introduce {
    std::uint32_t n = 0;
    Identity identity;
    bool operator==(const Introduce&) const = default;
};
/// `PING n`: answered by OK n and then by the current HELLO, READY or FORKABLE.
struct Ping {
    std::uint32_t n = 0;
    bool operator==(const Ping&) const = default;
};
/// `STOP n`: power off in order.
struct Stop {
    std::uint32_t n = 0;
    bool operator==(const Stop&) const = default;
};
/// `PATH n WAS IS PATH`: one path of the request n that follows, and what the guest's old and new root have there.
struct Path {
    std::uint32_t n = 0;
    PathChange change;
    bool operator==(const Path&) const = default;
};
/// `SHADOWS n COUNT`: which of the so many paths told for n hide what the new root has there? Answered by HIDDEN, as
/// often as it takes, and OK n.
struct AskShadows {
    std::uint32_t n = 0, count = 0;
    bool operator==(const AskShadows&) const = default;
};
/// `RESET n COUNT`: once it boots on that new root, the so many paths told for n are to be the root's again; what was
/// told so before is forgotten.
struct Reset {
    std::uint32_t n = 0, count = 0;
    bool operator==(const Reset&) const = default;
};
/// `RENEW n SEED BOOT-ID MAC TIME`: it is no template any more but a fork of it. Taken once, after FORKABLE alone, and
/// before anything else is asked of it.
struct Renew {
    std::uint32_t n = 0;
    std::string seed;       ///< base64 of 64 fresh random bytes
    std::string boot_id;    ///< 32 hex digits, this fork's
    std::string mac;        ///< "52:54:00:00:00:2a"
    std::int64_t time = 0;  ///< the host's clock, ms since 1970
    bool operator==(const Renew&) const = default;
};
/// `SERVICE n name START|STOP|RESTART|STATUS`: of a service that the guest's profile declares. Answered, once it is
/// done, by SERVICE and then OK n or ERR n text; other lines are answered meanwhile.
struct ServiceOrder {
    std::uint32_t n = 0;
    std::string name;
    ServiceAct act = ServiceAct::status;
    bool operator==(const ServiceOrder&) const = default;
};
/// `PASSWORD n USER HASH`: what opens that login on the guest's console from now on, once.
struct Password {
    std::uint32_t n = 0;
    std::string user, hash;  ///< hash: is_password_hash()
    bool operator==(const Password&) const = default;
};
using FromDaemon =
    std::variant<Key, TellAddress6, Introduce, Ping, Stop, Path, AskShadows, Reset, Renew, ServiceOrder, Password>;

inline constexpr std::size_t renewal_seed_bytes = 64;

/// One line with its newline. Values are expected to be valid; a value with a newline throws Error{usage}.
std::string encode(const FromGuest& message);
std::string encode(const FromDaemon& message);

/// One line without its newline -> message. Nothing for anything that is not exactly right: unknown word, missing or
/// extra field, number out of range, bad base64 or hex, invalid UTF-8, unknown or missing JSON field, over-long text.
std::optional<FromGuest> decode_from_guest(std::string_view line);
std::optional<FromDaemon> decode_from_daemon(std::string_view line);

/// The digest that READY carries: SHA-256 (hex) over the identity without its time and the authorized keys in order.
std::string digest_of(const Identity& identity, const std::vector<std::string>& authorized_keys);

/// Cuts a stream of bytes into lines with bounded memory. After (re)connecting, all up to the first newline is dropped;
/// so is a line over max_line.
class LineReader {
  public:
    /// `synchronise`: drop everything up to the first newline.
    explicit LineReader(bool synchronise = true) : dropping_(synchronise) {}
    /// Adds bytes; complete lines come out, without newline and without a trailing '\r'.
    std::vector<std::string> feed(std::string_view bytes);

  private:
    std::string partial_;
    bool dropping_;
};

}  // namespace drover::control
