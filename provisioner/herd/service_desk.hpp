#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "herd/acts.hpp"
#include "herd/parts.hpp"
#include "herd/steps.hpp"
#include "model/sync.hpp"

namespace drover {

/// What people and policies want of guests' services, and of guests that are ready: written by the registry, told by
/// acts. Any thread.
class ServiceDesk {
  public:
    ServiceDesk(const Parts& parts, control::Sessions& sessions, Steps& steps);

    /// Takes up what an ended daemon was asked and had not done.
    void start();
    /// Nothing is told any more.
    void close() { acts_.close(); }

    /// `drover service`: the operation as it begins; it ends when the guests have answered. Errors of
    /// Services::change().
    Operation change(const Caller& caller, const ServiceChange& change,
                     const std::optional<std::string>& visible_owner);
    /// `drover keys`. Errors of Services::tell_keys().
    Operation tell_keys(const Caller& caller, const Selection& selection,
                        const std::optional<std::string>& visible_owner);
    /// `drover passwd`. Errors of Services::tell_password().
    Operation tell_password(const Caller& caller, const PasswordChange& change,
                            const std::optional<std::string>& visible_owner);
    /// As the registry knows them. Errors of Services::list().
    std::vector<ServiceRow> list(const Selection& selection, const std::optional<std::string>& visible_owner);

    // For who looks after guests:
    /// Services of ready guests that are wanted up and were last heard to be down or failed; by guest and priority.
    std::vector<ServiceRow> down_though_wanted();
    /// Services of ready guests that are wanted up, but for those that there are not; by guest and priority.
    std::vector<ServiceRow> wanted_up();
    /// Restarts it as somebody would who says so: an operation of droverd's, which tells how it went.
    Operation restart(const ServiceRow& row);

    // From the herd:
    /// The guest got ready: its services are to be what is wanted of them, in their order. `known`: how it said that
    /// some of them are.
    void became_ready(const Guest& guest, const std::map<std::string, ServiceStatus>& known);
    /// It is ready no more.
    void left_ready(GuestId id, Phase phase);
    /// True: it was an answer that is dealt with.
    bool heard(GuestId id, const control::FromGuest& message) { return acts_.heard(id, message); }
    /// It said so when it was asked. Written if it is news.
    void noticed(GuestId id, const control::ServiceState& state);
    /// Its channel is gone.
    void lost(GuestId id) { acts_.lost(id, "it went away before it answered"); }

  private:
    [[nodiscard]] Services::Declared declared() const;
    [[nodiscard]] Act order(GuestId guest, const std::string& service, ServiceAct act,
                            std::optional<OperationId> operation = std::nullopt);
    std::optional<Act> keys_for(GuestId guest, OperationId operation);
    void begin_pending(const Operation& operation, const std::function<std::optional<Act>(GuestId)>& act);
    void fail(OperationId operation, GuestId guest, const std::string& why);
    void take_up(const Services::Pending& pending);
    void apply(const ServiceRow& row);
    void written(const std::vector<EndedAct>& ended);
    void tell_times(const EndedAct& ended);

    const Parts& parts_;
    control::Sessions& sessions_;
    Steps& steps_;
    /// How services were when that was written last, of guests that are ready: what is no news is not written again.
    Synchronized<std::unordered_map<GuestId, std::map<std::string, ServiceStatus>>> known_;
    Acts acts_;
};

}  // namespace drover
