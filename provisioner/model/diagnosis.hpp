#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace drover {

/// How much a thing on the host will bite: not at all; it makes guests slow or fails one day; it fails now.
enum class Level { ok, warn, error };

/// As written in JSON.
constexpr std::string_view to_text(Level level) {
    return level == Level::ok ? "ok" : level == Level::warn ? "warn" : "error";
}

/// What `drover doctor` says of one thing on the host.
struct Diagnosis {
    std::string check;  ///< "space-state", "libvirt", ...
    Level level = Level::ok;
    std::string message;
    std::string mend;  ///< a command, or what to do; empty where all is well

    bool operator==(const Diagnosis&) const = default;
};
using Diagnoses = std::vector<Diagnosis>;

}  // namespace drover
