#pragma once
#include <optional>
#include <string>

#include "registry/aggregates/images.hpp"
#include "registry/session.hpp"

/// Versions of images, inside a transaction of the caller. For the files of this room only.
namespace drover {

/// Whether there is this version of the image, and will be.
bool is_version(soci::session& sql, const std::string& image, const std::string& digest);

/// Images::meant(); of all images, or of one.
Images::Named named_version(soci::session& sql, const std::string& text,
                            const std::optional<std::string>& image = std::nullopt);

/// What new guests of the image get.
std::optional<std::string> promoted_version(soci::session& sql, const std::string& image);

}  // namespace drover
