#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"
#include "registry/session.hpp"

namespace drover {

/// The guests that are meant, by natural order, inside a transaction of the caller. Those of which `condition` does not
/// hold, and those of others than `visible_owner`, do not exist. Error{usage} unless exactly one of globs, owner and
/// all is given; Error{not_found} when a glob or the owner matches nothing. For the files of this room only.
std::vector<Guest> selected(soci::session& sql, const Selection& selection,
                            const std::optional<std::string>& visible_owner,
                            const std::string& condition = "phase <> 'gone'");

/// As it is told among the arguments of an operation.
nlohmann::json told(const Selection& selection);

}  // namespace drover
