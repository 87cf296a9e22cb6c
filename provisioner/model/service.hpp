#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/guest.hpp"

namespace drover {

/// A service that a profile declares. A guest finds it by its unit where systemd runs, else by its command.
struct Service {
    std::string name;     ///< `[a-z][a-z0-9-]{0,30}` without a trailing '-'
    int priority = 50;    ///< 0 - 99: those of a lower one are started before
    bool up = true;       ///< what is wanted of it where nobody says otherwise
    std::string unit;     ///< of systemd, as "apache2.service"; empty: none
    std::string command;  ///< program of the root that takes start, stop, restart or status; empty: none

    bool operator==(const Service&) const = default;
};

/// How a service is. `absent`: the guest has neither its unit nor its command.
enum class ServiceStatus { unknown, up, down, failed, absent };
std::string_view to_text(ServiceStatus status);
ServiceStatus parse_service_status(std::string_view text);

/// What a guest's end can do to a service.
enum class ServiceAct { start, stop, restart, status };
std::string_view to_text(ServiceAct act);
ServiceAct parse_service_act(std::string_view text);

/// What people can do: enable and disable say what is wanted at every boot and now, the others act once.
enum class ServiceVerb { enable, disable, start, stop, restart };
std::string_view to_text(ServiceVerb verb);
ServiceVerb parse_service_verb(std::string_view text);
/// What it has the guest's end do.
ServiceAct act_of(ServiceVerb verb);
/// Whether it says what is wanted from now on.
bool is_lasting(ServiceVerb verb);

/// Whether `unit` names a unit of systemd: `[A-Za-z0-9_.@-]`, with a known suffix.
bool is_unit_name(std::string_view unit);
/// Whether `path` is absolute, plain, and of A-Z a-z 0-9 / . _ - + @, so that it can stand in a kernel parameter.
bool is_command_path(std::string_view path);

/// The kernel parameter that tells a guest its services, in their order:
/// "droverd.services=web:up:/etc/drover/services/web,apache2:down:apache2.service"; empty for none.
std::string service_parameter(const std::vector<Service>& services);
/// What stands behind its '='. Nothing when any of it is not exactly right. Priorities are not told.
std::optional<std::vector<Service>> parse_services(std::string_view text);

/// The declared service of that name; null: none.
const Service* find_service(const std::vector<Service>& services, std::string_view name);

/// One service of one guest, as `drover service list` tells it.
struct ServiceRow {
    GuestId id = 0;
    std::string guest, service;
    int priority = 0;
    bool up = true;                                 ///< wanted
    ServiceStatus status = ServiceStatus::unknown;  ///< last heard
    std::optional<Time> since;                      ///< when that was heard first; none: never

    bool operator==(const ServiceRow&) const = default;
};

}  // namespace drover
