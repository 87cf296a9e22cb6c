#pragma once
#include <optional>
#include <string>

#include "model/requests.hpp"
#include "registry/registry.hpp"
#include "registry/session.hpp"

namespace drover {

/// What a verb makes of one guest.
struct Judged {
    std::string outcome = "pending";  ///< of its item, unless that has to be waited for
    std::string reason{};
    Guest after{};  ///< as the verb wants it
};

/// What a verb means for guests, inside a transaction of the caller. For the files of this room only.
class Meaning {
  public:
    /// Error{not_found} or Error{refused} for a version that there is not, or that may be several.
    Meaning(soci::session& sql, const Caller& caller, const Change& change);
    [[nodiscard]] Judged of(const Guest& guest) const;

  private:
    /// Which version the guest shall run; nothing when none does what the verb says: `why`.
    std::optional<std::string> version_for(const Guest& guest, std::string& why) const;
    [[nodiscard]] bool is_there_already(const Guest& guest, const std::string& version) const;

    soci::session& sql_;
    const Caller& caller_;
    Verb verb_;
    std::optional<Images::Named> named_;
};

}  // namespace drover
