#include "api/routes.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "api/callers.hpp"

namespace drover {
namespace {

constexpr Route table[] = {
    {"GET", "/v1/guests", Who::everybody, api::list_guests},
    {"POST", "/v1/guests", Who::everybody, api::request_guests},
    {"GET", "/v1/guests/*", Who::everybody, api::show_guest},
    {"GET", "/v1/guests/*/health", Who::everybody, api::explain_health},
    {"GET", "/v1/guests/*/console", Who::everybody, api::show_console},
    {"POST", "/v1/guests/*/console", Who::everybody, api::attach_console},
    {"GET", "/v1/guests/*/log", Who::everybody, api::show_log},
    {"DELETE", "/v1/guests/*/copies/*", Who::everybody, api::remove_copy},
    {"POST", "/v1/guests/*/openings", Who::everybody, api::open_port},
    {"POST", "/v1/guests/*/openings/*/*", Who::everybody, api::extend_opening},
    {"DELETE", "/v1/guests/*/openings/*/*", Who::everybody, api::close_port},
    {"GET", "/v1/openings", Who::everybody, api::list_openings},
    {"GET", "/v1/copies", Who::everybody, api::list_copies},
    {"POST", "/v1/imports", Who::administrators, api::import_guest},
    {"POST", "/v1/changes", Who::everybody, api::change_guests},
    {"POST", "/v1/shadows", Who::everybody, api::show_shadows},
    {"GET", "/v1/services", Who::everybody, api::list_services},
    {"POST", "/v1/services", Who::everybody, api::change_services},
    {"POST", "/v1/keys", Who::everybody, api::tell_keys},
    {"POST", "/v1/passwords", Who::everybody, api::tell_password},
    {"POST", "/v1/settings", Who::everybody, api::set_guests},
    {"GET", "/v1/networks", Who::everybody, api::list_networks},
    {"GET", "/v1/pools", Who::administrators, api::list_pools},
    {"POST", "/v1/pools", Who::administrators, api::set_pool},
    {"POST", "/v1/pools/drain", Who::administrators, api::drain_pool},
    {"GET", "/v1/metrics", Who::administrators, api::show_metrics},
    {"GET", "/v1/health", Who::everybody, api::list_health},
    {"POST", "/v1/health/pause", Who::administrators, api::pause_health},
    {"POST", "/v1/health/resume", Who::administrators, api::resume_health},
    {"GET", "/metrics", Who::administrators, api::show_metrics},
    {"GET", "/v1/overview", Who::administrators, api::show_overview},
    {"GET", "/v1/host", Who::administrators, api::show_host},
    {"POST", "/v1/host/stop", Who::administrators, api::stop_host},
    {"POST", "/v1/host/start", Who::administrators, api::start_host},
    {"GET", "/v1/operations", Who::everybody, api::list_operations},
    {"GET", "/v1/operations/*", Who::everybody, api::show_operation},
    {"POST", "/v1/operations/*/pause", Who::everybody, api::pause_operation},
    {"POST", "/v1/operations/*/resume", Who::everybody, api::resume_operation},
    {"POST", "/v1/operations/*/cancel", Who::everybody, api::cancel_operation},
    {"GET", "/v1/events", Who::everybody, api::list_events},
    {"GET", "/v1/owners", Who::everybody, api::list_owners},
    {"GET", "/v1/owners/*", Who::everybody, api::show_owner},
    {"PUT", "/v1/owners/*", Who::everybody, api::set_owner},
    {"DELETE", "/v1/owners/*", Who::administrators, api::remove_owner},
    {"GET", "/v1/images", Who::everybody, api::list_images},
    {"POST", "/v1/images/*/build", Who::administrators, api::build_image},
    {"POST", "/v1/images/*/promote", Who::administrators, api::promote_version},
    {"POST", "/v1/images/*/rollback", Who::administrators, api::roll_back_image},
    {"POST", "/v1/images/*/versions", Who::administrators, api::add_version},
    {"DELETE", "/v1/images/*/versions/*", Who::administrators, api::remove_version},
    {"GET", "/v1/images/*/versions/*/verification", Who::administrators, api::verify_version},
    {"GET", "/v1/images/*/versions/*/sbom", Who::everybody, api::show_sbom},
    {"GET", "/v1/differences", Who::administrators, api::compare_versions},
    {"GET", "/v1/backup", Who::administrators, api::backup_registry},
    {"POST", "/v1/fsck", Who::administrators, api::run_fsck},
    {"GET", "/v1/doctor", Who::administrators, api::run_doctor},
    {"GET", "/v1/status", Who::everybody, api::show_status},
};

bool path_fits(std::string_view pattern, const std::vector<std::string>& path) {
    for (const std::string& part : path) {
        if (pattern.empty()) return false;
        pattern.remove_prefix(1);  // its '/'
        const std::string_view expected = pattern.substr(0, pattern.find('/'));
        if (expected != "*" && expected != part) return false;
        pattern.remove_prefix(expected.size());
    }
    return pattern.empty();
}

void expect_allowed(const Route& route, const Call& call) {
    if (route.who != Who::administrators || call.caller.administrator) return;
    throw Error(ErrorKind::denied, fmt::format("'{}' may not do this", call.caller.who()),
                "ask an administrator: root or a member of drover-admin");
}

/// Counts the answer that `work` gives or throws. Who waited for news took no time of ours.
template <typename Work>
std::optional<Answer> counted(ApiMeters& meters, std::size_t route, const Call& call, Work work) {
    const auto note = [&](int status) {
        meters.answered(route, status);
        if (call.is_first) meters.of(route).took.note(std::chrono::steady_clock::now() - call.came);
    };
    try {
        auto answer = work();
        if (answer) note(answer->status);
        return answer;
    } catch (const Error& error) {
        note(form_of(error.kind()).http_status);
        throw;
    } catch (...) {
        note(form_of(ErrorKind::failed).http_status);
        throw;
    }
}

/// A body that nobody reads was meant for something else.
void expect_no_body(const Call& call) {
    const bool takes_none = call.method == "GET" || call.method == "DELETE";
    if (!takes_none || call.body.empty()) return;
    throw Error(ErrorKind::usage,
                fmt::format("a {} with a body of {} bytes, expected none", call.method, call.body.size()));
}

}  // namespace

std::span<const Route> routes() { return table; }

std::optional<Answer> dispatch(const Doors& doors, Call& call) {
    call.caller = acting_caller(call.peer, call.on_behalf_of);
    const auto* route = std::find_if(std::begin(table), std::end(table), [&](const Route& candidate) {
        return candidate.method == call.method && path_fits(candidate.path, call.target.path);
    });
    if (route == std::end(table)) {
        throw Error(ErrorKind::not_found,
                    fmt::format("no route {} /{}", call.method, fmt::join(call.target.path, "/")));
    }
    return counted(doors.api_meters, static_cast<std::size_t>(route - std::begin(table)), call, [&] {
        expect_allowed(*route, call);
        expect_no_body(call);
        call.visible_owner = visible_owner(call.caller, doors.registry);
        return route->handler(doors, call);
    });
}

}  // namespace drover
