#include "model/health.hpp"

#include <array>

#include "model/words.hpp"

namespace drover {
namespace {

constexpr Words<Ladder, 3> ladders{"state of the ladder", {"watching", "paused", "suspended"}};
constexpr Words<Wellness, 5> wellnesses{"state of health", {"well", "silent", "healing", "faulted", "off"}};

}  // namespace

std::string_view to_text(Ladder ladder) { return ladders.text(ladder); }
std::string_view to_text(Wellness wellness) { return wellnesses.text(wellness); }

}  // namespace drover
