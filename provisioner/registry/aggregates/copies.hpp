#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/copy.hpp"
#include "model/requests.hpp"

namespace drover {

class Session;

/// Copies of overlays: what verbs have owed and steps have made.
class Copies {
  public:
    explicit Copies(Session& session) : session_(session) {}
    /// Those that are owed of the guest, by id.
    std::vector<Copy> owed(GuestId guest);
    /// One that is made, and not being removed.
    std::optional<Copy> get(CopyId id);
    /// Of the guests that the globs mean, none: of all, gone ones included, and only of this owner's when one is given;
    /// by the guests' names and by age.
    std::vector<Copy> list(const std::vector<std::string>& globs, const std::optional<std::string>& owner);
    /// Nothing is made from it from now on: its files can go. Error{not_found}; Error{refused} while it is owed, or an
    /// overlay is to be made from it.
    Copy begin_removal(const Caller& caller, const std::string& guest, const std::string& name,
                       const std::optional<std::string>& visible_owner);
    /// Those that are to go: whose time is over from now on, and what began to go before.
    std::vector<Copy> begin_expiry();
    /// Its files are gone.
    void end_removal(CopyId id);
    /// How long from now until the next is kept no longer; none: no time will come.
    std::optional<Duration> next_expiry();

  private:
    Session& session_;
};

}  // namespace drover
