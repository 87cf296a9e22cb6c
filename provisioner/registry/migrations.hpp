#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "registry/session.hpp"

namespace drover {

/// Brings the database up to date with the files NNNN-name.sql of `folder`, in their order: each in one transaction,
/// and before each, unless the database is new, a copy "<file>.before-NNNN-name" is kept. Error{refused} when the
/// database has a migration that is not in the folder: then it is newer than this program.
void migrate(Session& session, const std::string& folder);

/// The statements of an SQL text, in which each ends with a semicolon at the end of a line. Error{failed} when the last
/// one does not.
std::vector<std::string> statements_of(std::string_view text);

}  // namespace drover
