#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/address.hpp"
#include "model/time.hpp"
#include "model/timings.hpp"

namespace drover {

using GuestId = std::int64_t;
using OperationId = std::int64_t;
using CopyId = std::int64_t;
using PoolId = std::int64_t;

enum class Kind { vm, container };
enum class Phase { reserved, stopped, starting, parked, ready, stopping, gone };
enum class Desired { stopped, parked, ready, gone };

inline constexpr std::array all_phases{Phase::reserved, Phase::stopped,  Phase::starting, Phase::parked,
                                       Phase::ready,    Phase::stopping, Phase::gone};
inline constexpr std::array all_desired{Desired::stopped, Desired::parked, Desired::ready, Desired::gone};

/// The words as users and the registry see them; parse_* throw Error{usage} naming an unknown word.
std::string_view to_text(Kind kind);
std::string_view to_text(Phase phase);
std::string_view to_text(Desired desired);
Kind parse_kind(std::string_view text);
Phase parse_phase(std::string_view text);
Desired parse_desired(std::string_view text);

/// What a guest is to be when its host has started anew: what it was to be before, ready, or off.
enum class Autostart { last, always, never };
std::string_view to_text(Autostart autostart);
Autostart parse_autostart(std::string_view text);

/// What a guest is made of: a root version and two counters. A verb changes what is wanted, a step what is had.
struct Make {
    std::string version;       ///< "sha256:<64 hex>"; empty: none yet
    std::int64_t overlay = 0;  ///< rebuild, restore and import count up
    std::int64_t boot = 0;     ///< restart counts up

    bool operator==(const Make&) const = default;
};

/// Why a guest is given up until somebody asks for it again.
struct Fault {
    std::string kind;  ///< the step that failed, e.g. "start"
    std::string message;
    Time since;

    bool operator==(const Fault&) const = default;
};

/// One clone: a row in the registry, later an overlay and a libvirt domain named by its id.
struct Guest {
    GuestId id = 0;
    std::string name;
    std::optional<std::string> owner;  ///< none: a pool's
    Kind kind = Kind::vm;
    std::string image;
    std::string profile;
    std::string host;
    std::string network;  ///< which of the instance's; empty: the default one
    Address address;
    Phase phase = Phase::reserved;
    Desired desired = Desired::ready;
    Make want{"", 1, 1};
    Make have;
    std::string good;      ///< the last version that was ready
    std::string previous;  ///< the one that was ready before it
    bool copy = false;     ///< a snapshot, backup or export is still owed
    Time since;            ///< when the phase was entered
    int attempts = 0;
    std::optional<Fault> fault;
    std::optional<OperationId> operation;  ///< the one that wrote desired or want last
    std::int64_t rev = 0;                  ///< counts writes of this row; every commit names the one it read
    Time created;
    std::string started_by;  ///< "", "cold", "fork" or "adopt"
    std::string host_key;    ///< public part of the ssh host key, "ssh-ed25519 AAAA..."; empty until made
    std::string machine_id;  ///< 32 hex digits, made with the row
    Autostart autostart = Autostart::last;
    bool is_protected = false;   ///< neither rebuilt nor retired
    CopyId source = 0;           ///< the copy that the wanted overlay is made from; 0: a fresh one
    std::string keep;            ///< "7,/home,/root": overlay 7 is the one before without all but these; empty: none
    std::optional<Time> lease;   ///< until when it is lent
    std::optional<PoolId> pool;  ///< whose it is while it has no owner
    Timings timings;

    /// Whether its overlay of this number is the one before, of which its `keep` is left.
    [[nodiscard]] bool keeps(std::int64_t overlay) const { return keep.starts_with(std::to_string(overlay) + ","); }
    /// What is had differs from what is wanted, or a copy is owed.
    [[nodiscard]] bool stale() const { return copy || have != want; }
    /// Nothing is left to do.
    [[nodiscard]] bool settled() const;
};

}  // namespace drover
