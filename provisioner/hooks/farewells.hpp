#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "hooks/runner.hpp"

namespace drover {

/// Tells the hooks at guest-retire-pre of guests before they go: each hook in a thread of its own, in batches. A guest
/// waits for them at most the time limit; what they answer keeps nobody.
class Farewells {
  public:
    explicit Farewells(HookRunner& runner) : runner_(runner) {}
    /// HookRunner::end() first.
    ~Farewells();
    Farewells(const Farewells&) = delete;
    Farewells& operator=(const Farewells&) = delete;

    /// Whether the guest may go: there is no hook, each was told, or the time is over. Returns at once; false: ask
    /// again. After a true it begins anew.
    bool may_go(const Guest& guest);

  private:
    using Clock = std::chrono::steady_clock;
    struct Leaving {
        Clock::time_point until;
        std::set<std::string> untold;  ///< paths of hooks
    };
    struct Line {
        Hook hook;
        std::map<GuestId, Guest> waiting;
        std::thread thread;
    };
    bool is_new(const Guest& guest);
    void stand_in_line(const Guest& guest, const Hook& hook);
    void work(Line& line);
    [[nodiscard]] wire::Json input_of(const std::map<GuestId, Guest>& guests) const;

    HookRunner& runner_;
    std::mutex mutex_;  ///< of all below
    std::condition_variable came_;
    std::map<GuestId, Leaving> leaving_;
    std::map<std::string, std::unique_ptr<Line>> lines_;  ///< by path; for as long as the daemon lives
    bool ending_ = false;
};

}  // namespace drover
