#pragma once
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "hooks/farewells.hpp"
#include "hooks/permission.hpp"
#include "hooks/post_hook.hpp"
#include "hooks/runner.hpp"

namespace drover {

/// The administrator's own programs at what happens to guests; hooks/README.md is the contract.
class Hooks {
  public:
    /// `heard` is called each time that the hooks at request-pre were heard; any thread.
    Hooks(const Config& config, Registry& registry, std::function<void()> heard);
    /// Kills what runs; it is told again after the next start.
    ~Hooks();
    Hooks(const Hooks&) = delete;
    Hooks& operator=(const Hooks&) = delete;

    /// Begins with the hooks that are told afterwards.
    void start();
    /// Permissions::ask().
    std::shared_ptr<const Permission> ask(const std::string& who, const wire::Json& request) {
        return permissions_.ask(who, request);
    }
    /// Farewells::may_go().
    bool may_go(const Guest& guest) { return farewells_.may_go(guest); }
    /// HookRunner::meter().
    [[nodiscard]] const CallMeter& meter() const { return runner_.meter(); }
    /// How long a request waits until its hooks are asked.
    [[nodiscard]] Duration patience() const { return runner_.config().hooks.timeout; }

  private:
    void work();
    void look();
    void forget_removed();

    HookRunner runner_;
    Permissions permissions_;
    Farewells farewells_;
    std::map<std::string, std::unique_ptr<PostHook>> post_;  ///< by path; the thread's alone
    std::thread thread_;
};

}  // namespace drover
