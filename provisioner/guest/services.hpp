#pragma once
#include <sys/types.h>

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "model/unique_fd.hpp"

namespace drover::guest {

/// How services are reached; tests have others.
struct ServiceWays {
    std::string manager = "/usr/bin/systemctl";        ///< reaches units
    std::string manager_runs = "/run/systemd/system";  ///< is there while it can
    std::chrono::milliseconds patience{90'000};        ///< with one program
    /// Before a unit's name: a link to the id of its activation, there for as long as that lasts (systemd, since 235).
    std::string activation = "/run/systemd/units/invocation:";
    std::string group = "/sys/fs/cgroup/system.slice/";  ///< before a unit's name: its control group, as long
};

/// Starts, stops and asks the declared services by programs of the image, one order after another, while the
/// conversation goes on: whoever waits for words of the host waits for watched() too, left() long, and then calls
/// go_on(). A program that takes longer than its time is killed. One thread.
class Services {
  public:
    explicit Services(std::vector<Service> declared, ServiceWays ways = {})
        : declared_(std::move(declared)), ways_(std::move(ways)) {}
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;
    ~Services();

    /// Begins with it, or keeps it until what was ordered before is done. Returns what is to be said at once: an ERR
    /// for one that is not declared or when too many wait, else what go_on() says.
    std::string take(const control::ServiceOrder& order);
    /// Readable once go_on() is to be called; -1: nothing runs.
    [[nodiscard]] int watched() const { return handle_ ? handle_.get() : -1; }
    /// So long until go_on() is to be called in any case; nothing: nothing runs.
    [[nodiscard]] std::optional<std::chrono::milliseconds> left() const;
    /// Takes note of a program that ended, or took too long, and goes on. Returns what is to be said now.
    std::string go_on();
    /// Brings all of them, in their order, to what the profile wants, and waits for that. What came of it is known().
    void settle();
    /// What settle() found.
    [[nodiscard]] const std::vector<control::ServiceState>& known() const { return known_; }

  private:
    using Clock = std::chrono::steady_clock;
    enum class Way { none, unit, command };

    [[nodiscard]] Way way_to(const Service& service) const;
    [[nodiscard]] std::string activation_of(const Service& service) const;
    [[nodiscard]] bool is_up_still(const Service& service) const;
    [[nodiscard]] std::vector<std::string> program_for(const Service& service, ServiceAct act) const;
    std::string begin_next();
    void run(const Service& service, ServiceAct act);
    int end_program();
    [[nodiscard]] std::string output();
    std::string after(ServiceAct act, int status);
    [[nodiscard]] ServiceStatus status_told(int status);
    std::string finish(ServiceStatus status);
    std::string finish_and_go_on(ServiceStatus status);

    std::vector<Service> declared_;
    ServiceWays ways_;
    std::deque<control::ServiceOrder> orders_;  ///< the first is being done
    ServiceAct running_ = ServiceAct::status;   ///< what the program that runs does
    std::string trouble_;                       ///< why the order has failed
    pid_t child_ = -1;
    UniqueFd handle_, output_;
    Clock::time_point end_;
    control::ServiceState last_;  ///< what came of the last order
    std::vector<control::ServiceState> known_;
    std::map<std::string, std::string> up_in_;  ///< of units that were found up: in which activation
};

}  // namespace drover::guest
