#pragma once
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "model/time.hpp"

/// What a wave is told about how fast it may go. Pure.
namespace drover {

/// What a slot is for. One slot of `start` or `upgrade` covers the stop and the start of a guest that runs.
enum class WaveClass {
    stop,     ///< to be off
    start,    ///< to be ready: start, restart, rebuild, heal
    upgrade,  ///< to run another version
    refill,   ///< a guest without owner: a pool's
};
inline constexpr std::array all_wave_classes{WaveClass::stop, WaveClass::start, WaveClass::upgrade, WaveClass::refill};

std::string_view to_text(WaveClass wave);

/// Where starts, forks and refills are held. A reading that nobody hands in holds nobody.
struct Brakes {
    std::optional<int> memory_some, memory_full, io_some, io_full;  ///< pressure over 10 s above this many percent
    std::optional<long long> free_memory, free_disk;                ///< floors: less than this many bytes
    bool operator==(const Brakes&) const = default;
};

/// The wave of an operation stops when more than `percent` of its `first` first guests failed. The others wait until
/// enough of the first are where they should be.
struct StopOn {
    int percent = 0;
    int first = 0;
    bool operator==(const StopOn&) const = default;
};

/// The limits of one class; each is optional and all that are set hold. By default adaptive with its brakes.
struct WavePolicy {
    bool adaptive = true;                    ///< as many as the host's cores and its pace bear
    std::optional<int> size;                 ///< at most so many begin in any `interval`: the classic staircase
    Duration interval{0};                    ///< set with `size`
    std::optional<int> in_flight, per_host;  ///< at most so many at once, in all and on one host
    Duration jitter{0};                      ///< who has its slot begins up to this much later, each differently
    Brakes brakes{.memory_some = 60, .memory_full = 20, .io_full = 90, .free_memory = 64LL << 20};
    std::optional<StopOn> stop_on;
    bool operator==(const WavePolicy&) const = default;
};

/// One policy per class.
struct WavePolicies {
    WavePolicy stop, start, upgrade, refill;
    [[nodiscard]] const WavePolicy& of(WaveClass wave) const;
    bool operator==(const WavePolicies&) const = default;
};

/// Reads what to_text writes: words with commas between, "adaptive", "15/30s", "in_flight=8", "per_host=4",
/// "jitter=2s", "memory_some=60%", "memory_full=", "io_some=", "io_full=", "free_memory=1GiB", "free_disk=",
/// "stop_on=20%/10". `adaptive` brings its brakes, each of which may be set otherwise. Error{usage} naming the word at
/// fault: unknown, twice, out of range, or no limit at all.
WavePolicy parse_wave_policy(std::string_view text);
std::string to_text(const WavePolicy& policy);

}  // namespace drover
