#include "api/permission.hpp"

namespace drover::api {

bool is_being_asked(const Call& call) { return *call.permission && !(*call.permission)->is_given(); }

bool is_permitted(const Doors& doors, const Call& call, std::string_view verb, const wire::Json& request) {
    auto& permission = *call.permission;
    if (!permission) {
        auto asked = request;
        asked["verb"] = verb;
        permission = doors.hooks.ask(call.caller.who(), asked);
    }
    if (permission) return permission->is_given();
    if (call.waited < doors.hooks.patience()) return false;
    throw Error(ErrorKind::refused, "the hooks at request-pre have too much to do", "try again");
}

}  // namespace drover::api
