#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/time.hpp"

namespace drover {

/// How long each part of a guest's way to ready took, the last time; nothing: not yet, or nobody saw it.
struct Timings {
    std::optional<Duration> build;  ///< its overlay and its definition
    std::optional<Duration> start;  ///< the hypervisor's part: forked, cold, or let go on when adopted
    std::optional<Duration> hello;  ///< from there to its first word
    std::optional<Duration> ready;  ///< from there to READY

    bool operator==(const Timings&) const = default;
};

/// "build=3 start=212 hello=40 ready=120", milliseconds of those that are known: as the registry keeps them.
std::string to_text(const Timings& timings);
/// Reads it back; what it does not know is left out.
Timings parse_timings(std::string_view text);

/// Calls `visit` with the name and the time of each that is known, in order.
template <typename Visit> void for_each_timing(const Timings& timings, Visit&& visit) {
    if (timings.build) visit("build", *timings.build);
    if (timings.start) visit("start", *timings.start);
    if (timings.hello) visit("hello", *timings.hello);
    if (timings.ready) visit("ready", *timings.ready);
}

}  // namespace drover
