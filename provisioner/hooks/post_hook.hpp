#pragma once
#include <atomic>
#include <thread>

#include "hooks/runner.hpp"

namespace drover {

/// One hook of an event that is over, in a thread of its own, so that it delays nobody else: it is told in batches what
/// has happened since its last run that ended with 0, as long as its file is there. Where it is in the log of events is
/// a note of the registry.
class PostHook {
  public:
    PostHook(HookRunner& runner, Hook hook, Happening happening);
    /// Ends with the daemon: HookRunner::end() first.
    ~PostHook();
    PostHook(const PostHook&) = delete;
    PostHook& operator=(const PostHook&) = delete;

    /// Its file went away, and it has no thread any more.
    [[nodiscard]] bool is_over() const { return over_; }

  private:
    void work();
    void round();
    void begin();
    [[nodiscard]] bool is_there() const;
    [[nodiscard]] wire::Json input_of(const std::vector<Event>& events) const;

    HookRunner& runner_;
    const Hook hook_;
    const Happening happening_;
    std::optional<long long> position_;
    Duration rest_{0};
    std::atomic<bool> over_ = false;
    std::thread thread_;
};

/// The registry's notes for hooks begin so; the path below the folder follows.
inline constexpr std::string_view hook_note = "hook/";

}  // namespace drover
