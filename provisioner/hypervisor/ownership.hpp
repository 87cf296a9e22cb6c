#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "model/guest.hpp"

namespace drover {

/// The UUID of the thing called `what` of the registry with that UUID: the same every time, different for every
/// registry. RFC 9562 version 8: the first 16 bytes of SHA-256("<registry>/<what>"), version and variant bits set.
std::string derived_uuid(std::string_view registry, std::string_view what);

/// How the domains of one instance of one registry are named, and told from foreign ones without a look at their tags.
struct Ownership {
    std::string instance;
    std::string registry;  ///< its UUID

    /// "<instance>-<id>"; of a template "<instance>-template", of its trial "<instance>-trial".
    [[nodiscard]] std::string domain_name(GuestId id) const;
    /// Derived from registry and "guest/<id>".
    [[nodiscard]] std::string domain_uuid(GuestId id) const;
    /// The guest whose domain has this name and this UUID; none when it is not ours.
    [[nodiscard]] std::optional<GuestId> guest_of(std::string_view name, std::string_view uuid) const;
};

/// A whole number, as written in names and tags: digits only, no sign, no leading zero. None for anything else.
std::optional<std::int64_t> parse_number(std::string_view text);

}  // namespace drover
