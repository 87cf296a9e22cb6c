#pragma once
#include <optional>
#include <string>

namespace drover {

/// The line, from 1, where a second document begins in a YAML text, or something that belongs to none; nothing when one
/// document is all there is. Throws YAML::Exception. In the place of YAML::LoadAll, which on a text like ",a" makes
/// empty documents until the memory is full.
std::optional<int> second_document(const std::string& text);

}  // namespace drover
