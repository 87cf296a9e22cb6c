#pragma once
#include <optional>
#include <string>

#include "model/copy.hpp"
#include "registry/session.hpp"
#include "registry/verbs.hpp"

/// Copies of overlays, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// Whether the guest has a copy of this name, owed or made.
bool has_copy(soci::session& sql, GuestId guest, const std::string& name);

/// How many of this kind the guest has, owed or made.
long long count_copies(soci::session& sql, GuestId guest, CopyKind kind);

/// Of this name, or the newest snapshot or backup.
std::optional<Copy> copy_to_restore(soci::session& sql, GuestId guest, const std::string& name);

/// The newest snapshot of the guest as it was with this version.
std::optional<Copy> snapshot_of_version(soci::session& sql, GuestId guest, const std::string& version);

/// What is kept of a retired guest.
std::optional<Copy> retired_copy(soci::session& sql, GuestId guest);

/// Has a copy owed of the guest by this operation.
CopyId owe_copy(Transaction& transaction, const NewCopy& copy, const Guest& guest, OperationId operation);

/// A step made these; what else was owed is so no more when `all`.
void note_copies(Transaction& transaction, GuestId guest, const std::vector<MadeCopy>& made, bool all);

/// Nothing is owed any more of what this operation asked for of the guest.
void forget_owed(Transaction& transaction, GuestId guest, OperationId operation);

}  // namespace drover
