#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "hooks/files.hpp"
#include "hooks/line_budget.hpp"
#include "model/meter.hpp"
#include "model/sync.hpp"
#include "model/unique_fd.hpp"
#include "registry/registry.hpp"
#include "wire/wire.hpp"

namespace drover {

/// How a run of a hook ended.
struct HookEnd {
    enum class How {
        done,    ///< with exit status 0, or there is no such hook any more
        no,      ///< it says no: another exit status
        failed,  ///< it gave no answer: it hung, crashed, or may not be run
        ending,  ///< the daemon ends and did not wait
    };
    How how = How::done;
    std::string why{};  ///< for people
};

/// Runs hooks as their contract says, tells the log what they print, and the events when one begins or ceases to fail.
/// Any thread.
class HookRunner {
  public:
    HookRunner(const Config& config, Registry& registry);

    /// One run, at most the time limit long. Throws nothing but lack of memory.
    HookEnd run(const Hook& hook, const wire::Json& input);
    /// How a run ends before it begins, if it does: the hook is gone, or may not be run. The latter is an event, once
    /// until it has changed.
    std::optional<HookEnd> inspect(const Hook& hook);
    /// Forgets what was told of hooks that are not among these paths any more.
    void forget_others(const std::set<std::string>& paths);

    /// Nobody waits any more, and what runs is killed.
    void end();
    /// Waits so long; true when the daemon ends. Zero only looks.
    bool ends_within(Duration duration);

    /// All runs so far; those failed that gave no answer.
    [[nodiscard]] const CallMeter& meter() const { return meter_; }
    [[nodiscard]] const Config& config() const { return config_; }
    [[nodiscard]] Registry& registry() const { return registry_; }

  private:
    struct Trouble {
        std::string_view begins, ends;
    };
    static constexpr Trouble not_run{"is not run", "may be run again"}, failing{"failed", "works again"};

    HookEnd attempt(const Hook& hook, const wire::Json& input);
    void log(const Hook& hook, const std::string& line);
    void note(const Hook& hook, const Trouble& sort, const std::string& why);
    void tell(const std::string& message);

    const Config& config_;
    Registry& registry_;
    CallMeter meter_;
    UniqueFd ending_fd_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool ending_ = false;
    Synchronized<std::map<std::string, LineBudget>> budgets_;
    /// By the path of a hook, which troubles of it were told.
    Synchronized<std::map<std::string, std::set<std::string_view>>> troubles_;
};

/// What every hook gets on its standard input, in which `event` stands for all that is not said.
wire::Json hook_input(const Config& config, std::string_view event);

}  // namespace drover
