#pragma once
#include <libvirt/libvirt.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "model/error.hpp"
#include "model/meter.hpp"
#include "model/sync.hpp"
#include "model/time.hpp"

namespace drover {

/// What happened to a domain; died: it ended because its machine did.
enum class DomainEvent { started, ended, died, undefined, other };

/// The thread "drover-events" in which libvirt's client does its own work and delivers events. libvirt has one event
/// loop per process: have one of these, before any Connection and longer than all of them.
class EventLoop {
  public:
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

  private:
    std::atomic<bool> ending_ = false;
    int waker_;
    std::thread thread_;
};

/// A connection to one hypervisor that mends itself.
///
/// Each call runs on a thread "drover-call" of its own, so that it can be given up: a libvirt call ends when the
/// hypervisor answers, not before, and one frozen QEMU would otherwise hold its caller for ever. A call that is given
/// up takes its connection along; the next call connects anew. Up to 4 calls at once, each on a connection of its own:
/// libvirt's client before 10.4 leaves traces of a call on the stack of a thread that is gone when another call, or a
/// keepalive, comes in between on the same connection (CVE-2024-4418), and may crash. Hence no keepalive either: a peer
/// that dies closes its socket, and one that hangs is noticed by the next call.
class Connection {
  public:
    /// Does not connect yet. `deadline` bounds each call, from the call to its answer, connecting included.
    Connection(const EventLoop& loop, const std::string& uri, Duration deadline = std::chrono::seconds(30));
    /// Waits for all threads but those of calls that were given up, which end on their own when they are answered.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Runs `work` with the connection and returns what it returns or throws what it throws. Any thread.
    /// Error{unavailable} when there is no connection to be had, when it is lost meanwhile, or at the deadline: then
    /// `work` may still be running, so it must own all that it uses.
    template <typename Work> auto call(Work work) -> std::invoke_result_t<Work&, virConnectPtr>;

    /// All calls so far. One that was given up or whose connection was lost failed; what the hypervisor refused did
    /// not.
    [[nodiscard]] const CallMeter& meter() const { return meter_; }
    /// What it connects to.
    [[nodiscard]] const std::string& uri() const;

    /// Has `changed` called with each domain that begins, ends, pauses or resumes; with null when anything may have
    /// changed: a connection was made or lost. From the thread of the event loop or one that connects; it must return
    /// fast and call nothing here. Set before the first call.
    void watch(std::function<void(virDomainPtr, DomainEvent)> changed);

  private:
    static constexpr int calls_at_once = 4;
    struct State;
    struct Link;
    class Lane;

    /// Returns once `work` has run; false when the connection was lost meanwhile.
    bool run(std::function<void(virConnectPtr)> work);
    static bool run_on(State& state, std::chrono::steady_clock::time_point until,
                       std::function<void(virConnectPtr)> work);
    [[nodiscard]] Error lost(const std::string& why) const;

    std::array<std::shared_ptr<State>, calls_at_once> states_;  ///< a connection each; only the first hears of events
    CallMeter meter_;
    Synchronized<std::array<bool, calls_at_once>> busy_;
    std::condition_variable one_is_free_;
};

/// libvirt's code for the last failed call on this thread.
int last_code();
/// Error{failed}: what was being done, and libvirt's message about the last failed call on this thread.
Error last_error(const std::string& doing);

template <typename Work> auto Connection::call(Work work) -> std::invoke_result_t<Work&, virConnectPtr> {
    using Result = std::invoke_result_t<Work&, virConnectPtr>;
    const auto task = std::make_shared<std::packaged_task<Result(virConnectPtr)>>(std::move(work));
    auto result = task->get_future();
    const bool alive = run([task](virConnectPtr connection) { (*task)(connection); });
    try {
        return result.get();
    } catch (const Error& error) {
        if (alive) throw;
        throw lost(error.what());
    }
}

}  // namespace drover
