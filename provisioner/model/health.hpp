#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/guest.hpp"
#include "model/time.hpp"

/// Health, as people and the API see it. Pure values.
namespace drover {

/// What a guest last said of its clock, its own disk and its memory. It is the guest's word: any numbers.
struct GuestLevels {
    Time heard;                                     ///< when it said so, by the host's clock
    Duration ahead{0};                              ///< its clock before the host's
    std::int64_t disk_used = 0, disk_size = 0;      ///< bytes
    std::int64_t memory_free = 0, memory_size = 0;  ///< bytes

    bool operator==(const GuestLevels&) const = default;
};

/// An administrator's word that nothing is to be done for now.
struct HealthPause {
    std::string who, reason;
    Time since;
    std::optional<Duration> left;  ///< none: until somebody resumes
};

/// What the ladder does: it acts; it was told not to; it holds by itself.
enum class Ladder { watching, paused, suspended };
std::string_view to_text(Ladder ladder);

/// How a guest is: it speaks; it owes a word; it is being healed; it was given up; nobody expects a word of it.
enum class Wellness { well, silent, healing, faulted, off };
std::string_view to_text(Wellness wellness);

/// The whole.
struct HealthState {
    Ladder ladder = Ladder::watching;
    std::string reason;               ///< why it does not watch
    std::optional<Time> since;        ///< since when it does not
    std::optional<Duration> ends_in;  ///< of a pause that ends by itself
    long long watched = 0;            ///< guests that owe a word when they are asked
    long long silent = 0;             ///< of these: for half as long as would be acted on, or longer
    long long healing = 0;            ///< guests that are being healed
};

/// One guest.
struct GuestHealth {
    std::string name;
    Wellness wellness = Wellness::off;
    std::optional<Time> heard;        ///< its last word, since this daemon started
    std::optional<Duration> silence;  ///< since then, or since a word could be expected; none: none is
    long long tries = 0;              ///< that count
    std::string next;                 ///< what will be done when, in words
};

/// What was decided about a guest, and when.
struct Decision {
    Time time;
    std::string text;
};

/// Why it was or was not acted on.
struct HealthStory {
    GuestHealth now;
    HealthState whole;
    std::optional<Duration> tries_forgotten_in;  ///< the first of them
    std::optional<GuestLevels> levels;
    std::vector<Decision> decisions;  ///< the last ones, oldest first
};

}  // namespace drover
