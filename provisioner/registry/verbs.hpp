#pragma once
#include <optional>
#include <string>

#include "model/copy.hpp"
#include "model/requests.hpp"
#include "registry/aggregates/guests.hpp"
#include "registry/aggregates/images.hpp"
#include "registry/session.hpp"

namespace drover {

/// A copy to be owed of a guest.
struct NewCopy {
    CopyKind kind = CopyKind::snapshot;
    std::string name{};              ///< empty: by its kind and id
    std::string file{};              ///< as Copy::file; of a backup the folder
    std::optional<Duration> keep{};  ///< it expires so long from now; none: when somebody removes it
};

/// What a verb makes of one guest.
struct Judged {
    std::string outcome = "pending";  ///< of its item, unless that has to be waited for
    std::string reason{};
    Guest after{};                  ///< as the verb wants it
    std::optional<NewCopy> copy{};  ///< to be made of its overlay, as it is now
};

/// What a verb means for guests, inside a transaction of the caller. For the files of this room only.
class Meaning {
  public:
    /// Error{not_found} or Error{refused} for a version that there is not, or that may be several.
    Meaning(const Transaction& transaction, const Caller& caller, const Change& change, const GuestRules& rules);
    [[nodiscard]] Judged of(const Guest& guest) const;

  private:
    /// Which version the guest shall run; nothing when none does what the verb says: `why`.
    std::optional<std::string> version_for(const Guest& guest, std::string& why) const;
    [[nodiscard]] bool is_there_already(const Guest& guest, const std::string& version) const;
    [[nodiscard]] Judged changed(const Guest& guest, const std::string& version) const;
    [[nodiscard]] Judged copied(Judged judged, CopyKind kind) const;
    [[nodiscard]] Judged restored(Judged judged, const std::optional<Copy>& copy) const;
    [[nodiscard]] Judged recovered(Judged judged) const;

    soci::session& sql_;
    Time now_;
    const Caller& caller_;
    const Change& change_;
    const GuestRules& rules_;
    std::optional<Images::Named> named_;
};

}  // namespace drover
