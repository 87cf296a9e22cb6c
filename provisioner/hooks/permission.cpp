#include "hooks/permission.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <utility>

namespace drover {
namespace {

constexpr std::size_t most_asked = 32;  // at once

Error refusal_of(const Hook& hook, const HookEnd& end) {
    if (end.how == HookEnd::How::no)
        return {ErrorKind::refused, fmt::format("refused by the hook {}: {}", hook.label(), end.why)};
    if (end.how == HookEnd::How::ending) return {ErrorKind::unavailable, "droverd ends", "ask again"};
    return {ErrorKind::refused, fmt::format("the hook {} gave no answer: {}", hook.label(), end.why),
            "an administrator mends it, or takes it away: " + hook.path};
}

}  // namespace

bool Permission::is_given() const {
    if (!heard_) return false;
    if (refusal_) throw Error(*refusal_);
    return true;
}

void Permission::ask(HookRunner& runner, const std::vector<Hook>& hooks, const wire::Json& input) {
    for (const Hook& hook : hooks) {
        const HookEnd end = runner.run(hook, input);
        if (end.how == HookEnd::How::done) continue;
        refusal_ = refusal_of(hook, end);
        break;
    }
    heard_ = true;
}

Permissions::Permissions(HookRunner& runner, std::function<void()> heard) : runner_(runner), heard_(std::move(heard)) {}

Permissions::~Permissions() {
    auto asked = asked_.lock();
    for (Asked& one : *asked) one.thread.join();
}

std::shared_ptr<const Permission> Permissions::ask(const std::string& who, const wire::Json& request) {
    auto permission = std::make_shared<Permission>();
    const auto hooks = hooks_at(runner_.config().hooks.folder, request_pre);
    if (hooks.empty()) {
        permission->heard_ = true;
        return permission;
    }
    auto asked = asked_.lock();
    std::erase_if(*asked, [](Asked& one) {
        if (one.permission->heard_) one.thread.join();
        return !one.thread.joinable();
    });
    if (asked->size() >= most_asked) return nullptr;
    auto input = hook_input(runner_.config(), request_pre);
    input["who"] = who;
    input["request"] = request;
    asked->push_back({permission, std::thread([this, permission, hooks, input = std::move(input)] {
                          pthread_setname_np(pthread_self(), "pre-hook");
                          permission->ask(runner_, hooks, input);
                          heard_();
                      })});
    return permission;
}

}  // namespace drover
