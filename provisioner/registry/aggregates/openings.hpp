#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/network.hpp"
#include "model/opening.hpp"
#include "model/requests.hpp"

namespace drover {

class Session;

/// Ports of guests that are open for a limited time, by the time that certainly passed.
class Openings {
  public:
    explicit Openings(Session& session) : session_(session) {}

    /// What holds where a guest is.
    struct Rules {
        OpeningPolicy policy;
        Network network;                           ///< the guest's: nobody from outside comes from there
        std::function<bool(ServicePort)> is_free;  ///< whether nobody on the host has this port of it
    };
    struct Opened {
        Opening opening;
        bool is_new = true;  ///< false: it was open so already
    };
    /// One row, with a port of the host where it is published, and a finished operation. Error{not_found} for a guest
    /// that the caller may not see, Error{refused} for what the rules forbid, or when the port is open otherwise.
    Opened open(const Caller& caller, const OpeningRequest& request, const std::optional<std::string>& visible_owner,
                const Rules& rules);
    /// It closes later by `lasts`; once. A finished operation. Error{not_found}, Error{refused}.
    Opening extend(const Caller& caller, const std::string& guest, const ServicePort& port,
                   const std::optional<Duration>& lasts, const std::optional<std::string>& visible_owner,
                   const OpeningPolicy& policy);
    /// Error{not_found} when the port of the guest, as this caller sees it, is not open.
    Opening get(const std::string& guest, const ServicePort& port, const std::optional<std::string>& visible_owner);
    /// It is closed. A finished operation. False: it was already.
    bool close(const Caller& caller, const Opening& opening);

    /// Those that are open, of the guests that the globs mean, none: of all, and only of this owner's when one is
    /// given; by name and port.
    std::vector<Opening> list(const std::vector<std::string>& globs, const std::optional<std::string>& owner);
    /// The same of one guest.
    std::vector<Opening> of(GuestId guest);
    /// Those whose time is over, or whose guest is gone.
    std::vector<Opening> over();
    /// They are no more, if that still holds. Notes how much time has certainly passed, also when there are none.
    void end(const std::vector<Opening>& over);
    /// Once at each start: after a reboot, what was to be closed by now is, by the wall clock too.
    void start_anew();

  private:
    Session& session_;
};

}  // namespace drover
