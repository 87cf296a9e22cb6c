#pragma once
#include <optional>
#include <span>
#include <string_view>

#include "api/call.hpp"
#include "api/doors.hpp"

namespace drover {

/// Who may use a route at all. What one sees through it is decided by Call::visible_owner.
enum class Who { everybody, administrators };

/// Answers a call, or nothing: "not yet", ask again after news. Throws Error.
using Handler = std::optional<Answer> (*)(const Doors&, const Call&);

struct Route {
    std::string_view method;
    std::string_view path;  ///< "/v1/guests/*": '*' stands for one part
    Who who;
    Handler handler;
};

/// All routes; schema/openapi.yaml describes each.
std::span<const Route> routes();

/// Finds the route and calls its handler. Error{not_found}, Error{denied}, and what the handler throws.
std::optional<Answer> dispatch(const Doors& doors, Call& call);

namespace api {
std::optional<Answer> list_guests(const Doors&, const Call&);
std::optional<Answer> show_guest(const Doors&, const Call&);
std::optional<Answer> request_guests(const Doors&, const Call&);
std::optional<Answer> change_guests(const Doors&, const Call&);
std::optional<Answer> show_console(const Doors&, const Call&);
std::optional<Answer> attach_console(const Doors&, const Call&);
std::optional<Answer> show_log(const Doors&, const Call&);
std::optional<Answer> list_openings(const Doors&, const Call&);
std::optional<Answer> open_port(const Doors&, const Call&);
std::optional<Answer> extend_opening(const Doors&, const Call&);
std::optional<Answer> close_port(const Doors&, const Call&);
std::optional<Answer> list_copies(const Doors&, const Call&);
std::optional<Answer> remove_copy(const Doors&, const Call&);
std::optional<Answer> import_guest(const Doors&, const Call&);
std::optional<Answer> list_health(const Doors&, const Call&);
std::optional<Answer> explain_health(const Doors&, const Call&);
std::optional<Answer> pause_health(const Doors&, const Call&);
std::optional<Answer> resume_health(const Doors&, const Call&);
std::optional<Answer> list_services(const Doors&, const Call&);
std::optional<Answer> change_services(const Doors&, const Call&);
std::optional<Answer> tell_keys(const Doors&, const Call&);
std::optional<Answer> tell_password(const Doors&, const Call&);
std::optional<Answer> list_networks(const Doors&, const Call&);
std::optional<Answer> list_pools(const Doors&, const Call&);
std::optional<Answer> set_pool(const Doors&, const Call&);
std::optional<Answer> drain_pool(const Doors&, const Call&);
std::optional<Answer> show_shadows(const Doors&, const Call&);
std::optional<Answer> set_guests(const Doors&, const Call&);
std::optional<Answer> show_host(const Doors&, const Call&);
std::optional<Answer> stop_host(const Doors&, const Call&);
std::optional<Answer> start_host(const Doors&, const Call&);
std::optional<Answer> list_operations(const Doors&, const Call&);
std::optional<Answer> show_operation(const Doors&, const Call&);
std::optional<Answer> pause_operation(const Doors&, const Call&);
std::optional<Answer> resume_operation(const Doors&, const Call&);
std::optional<Answer> cancel_operation(const Doors&, const Call&);
std::optional<Answer> list_events(const Doors&, const Call&);
std::optional<Answer> list_owners(const Doors&, const Call&);
std::optional<Answer> show_owner(const Doors&, const Call&);
std::optional<Answer> set_owner(const Doors&, const Call&);
std::optional<Answer> remove_owner(const Doors&, const Call&);
std::optional<Answer> list_images(const Doors&, const Call&);
std::optional<Answer> add_version(const Doors& doors, const Call& call);
std::optional<Answer> build_image(const Doors&, const Call&);
std::optional<Answer> promote_version(const Doors&, const Call&);
std::optional<Answer> roll_back_image(const Doors&, const Call&);
std::optional<Answer> remove_version(const Doors&, const Call&);
std::optional<Answer> verify_version(const Doors&, const Call&);
std::optional<Answer> show_sbom(const Doors&, const Call&);
std::optional<Answer> compare_versions(const Doors&, const Call&);
std::optional<Answer> backup_registry(const Doors&, const Call&);
std::optional<Answer> run_fsck(const Doors&, const Call&);
std::optional<Answer> run_doctor(const Doors&, const Call&);
std::optional<Answer> show_metrics(const Doors&, const Call&);
std::optional<Answer> show_overview(const Doors&, const Call&);
std::optional<Answer> show_status(const Doors&, const Call&);
}  // namespace api

}  // namespace drover
