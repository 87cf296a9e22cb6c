#pragma once
#include <string>
#include <vector>

#include "model/shadow.hpp"

namespace drover {

/// What became of one path between two roots.
struct Difference {
    enum class Change { added, removed, changed };
    std::string path;  ///< "/etc/motd"
    Change change = Change::changed;

    bool operator==(const Difference&) const = default;
};
/// "added", "removed", "changed".
std::string to_text(Difference::Change change);

/// How the root `after` (its squashfs) differs from `before`, by path: what is in one of them alone, and what is of
/// another type, mode, owner, target or content; times do not count. Reads both: about a second for 300 MB. For root,
/// any thread. Error{failed} naming what cannot be mounted or read.
std::vector<Difference> differences(const std::string& before, const std::string& after);

/// The differences at or below the paths of `below`, with what either root has there; and each path of `also` that one
/// of them has, different or not. What can be executed comes first, by path within that. Errors as differences(); reads
/// no more than it must.
std::vector<PathChange> changes_below(const std::string& before, const std::string& after,
                                      const std::vector<std::string>& below, const std::vector<std::string>& also);

}  // namespace drover
