#pragma once
#include <atomic>
#include <memory>
#include <thread>

#include "hooks/runner.hpp"
#include "model/error.hpp"

namespace drover {

/// What the hooks at request-pre say to one request: asked once, one after another by their names, and looked at until
/// they were heard. Any thread.
class Permission {
  public:
    /// Whether they were heard: then it is given. Error{refused} with the word of the one that refused it.
    [[nodiscard]] bool is_given() const;

  private:
    friend class Permissions;
    void ask(HookRunner& runner, const std::vector<Hook>& hooks, const wire::Json& input);

    std::optional<Error> refusal_;
    std::atomic<bool> heard_ = false;
};

/// Asks the hooks at request-pre, each request in a thread of its own: one that hangs holds only its own request.
class Permissions {
  public:
    /// `heard` is called each time that somebody is heard; any thread.
    Permissions(HookRunner& runner, std::function<void()> heard);
    /// HookRunner::end() first.
    ~Permissions();

    /// Nothing: too many are being asked; try again. Error{refused} when the hooks' folder cannot be read.
    std::shared_ptr<const Permission> ask(const std::string& who, const wire::Json& request);

  private:
    struct Asked {
        std::shared_ptr<Permission> permission;
        std::thread thread;
    };
    HookRunner& runner_;
    std::function<void()> heard_;
    Synchronized<std::vector<Asked>> asked_;
};

}  // namespace drover
