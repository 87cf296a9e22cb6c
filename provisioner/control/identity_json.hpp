#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "control/codec.hpp"

namespace drover::control {

/// The identity as one line of JSON, its fields in alphabetical order; `time` only when asked for. Error{usage} when a
/// value has a control character or is no UTF-8.
std::string to_json(const Identity& identity, bool with_time);

/// The identity, when `text` is an object with exactly its fields, each once, each valid.
std::optional<Identity> identity_from_json(std::string_view text);

}  // namespace drover::control
