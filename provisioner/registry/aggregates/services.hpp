#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/requests.hpp"

namespace drover {

class Session;

/// What is wanted of guests' services, how they are, and acts: what guests that are ready are told to do once.
class Services {
  public:
    explicit Services(Session& session) : session_(session) {}
    /// The services of a profile; it must live on. None for an unknown one.
    using Declared = std::function<const std::vector<Service>&(const std::string& profile)>;

    /// Writes what is wanted, if the verb lasts, and the operation, with an item "pending" for each guest that is to be
    /// told now. Error{not_found} as Guests::change(), and when no profile of these guests declares the service.
    Operation change(const Caller& caller, const ServiceChange& change, const std::optional<std::string>& visible_owner,
                     const Declared& declared);
    /// Guests are to take their owners' keys anew. Same errors.
    Operation tell_keys(const Caller& caller, const Selection& selection,
                        const std::optional<std::string>& visible_owner);
    /// One is to take a password, which nothing is written of. Same errors.
    Operation tell_password(const Caller& caller, const PasswordChange& change,
                            const std::optional<std::string>& visible_owner);

    /// How it went with one guest.
    struct Told {
        GuestId guest = 0;
        std::optional<OperationId> operation;           ///< whose item ends with it; none: nobody asked
        std::string trouble;                            ///< why it was not done; empty: it was
        std::string service;                            ///< that it was about; empty: it was not
        ServiceStatus status = ServiceStatus::unknown;  ///< as it is now; unknown: not heard
    };
    void end(const std::vector<Told>& told);
    /// An item that is pending.
    struct Pending {
        OperationId operation = 0;
        GuestId guest = 0;
        Phase phase = Phase::ready;  ///< the guest's
        std::string verb;            ///< of the operation
        std::string service;         ///< that it is about; empty: none
    };
    /// What an ended daemon had not done; by operation.
    std::vector<Pending> pending();

    /// Of the guests that are meant, by natural order and then by priority. Error{not_found} as Guests::change().
    std::vector<ServiceRow> list(const Selection& selection, const std::optional<std::string>& visible_owner,
                                 const Declared& declared);
    /// The same of one guest.
    std::vector<ServiceRow> of(const Guest& guest, const Declared& declared);
    /// Of all guests that are ready and have an owner, by id.
    std::vector<ServiceRow> of_all_ready(const Declared& declared);
    /// The same of those of which some service was last heard to be down or failed.
    std::vector<ServiceRow> of_troubled(const Declared& declared);

  private:
    Session& session_;
};

}  // namespace drover
