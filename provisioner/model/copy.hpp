#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/guest.hpp"

namespace drover {

/// Why there is a copy of an overlay: a snapshot lies in the state folder, a backup in the folder for backups, an
/// export where somebody wants it; of a retired guest its overlay itself is kept for a while.
enum class CopyKind { snapshot, backup, exported, retired };
std::string_view to_text(CopyKind kind);
CopyKind parse_copy_kind(std::string_view text);

/// A copy of a guest's overlay, made while the guest is off.
struct Copy {
    CopyId id = 0;
    GuestId guest = 0;
    std::string guest_name;
    CopyKind kind = CopyKind::snapshot;
    std::string name;             ///< no other copy of the guest has it
    std::string file;             ///< of an archive, absolute; empty: it lies in the state folder
    std::string version;          ///< that the guest had
    Time asked;                   ///< when somebody wanted it
    std::optional<Time> made;     ///< none: it is owed
    std::optional<Time> expires;  ///< none: when somebody removes it
    long long bytes = 0;          ///< on the disk

    bool operator==(const Copy&) const = default;
};

/// What a step made of a copy that was owed.
struct MadeCopy {
    CopyId id = 0;
    long long bytes = 0;
};

}  // namespace drover
