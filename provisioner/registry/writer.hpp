#pragma once
#include <soci/soci.h>

#include <condition_variable>
#include <exception>
#include <functional>
#include <semaphore>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "model/meter.hpp"
#include "model/sync.hpp"

namespace drover {

/// The connection that writes, and the thread "registry" that does so for everybody: all that came while it was busy
/// share the next commit, and with it the wait for the disk, but neither their errors nor what these undo. Who is alone
/// waits for nobody; and nobody waits until many others had their turn at the processor. Any thread.
class Writer {
  public:
    /// `make_room` is asked for space when the disk has none; false: there is no more to be had.
    Writer(const std::string& file, std::function<bool()> make_room);
    ~Writer();
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// Runs `work` in a transaction, in the writer's thread: committed durably when this returns, undone when it
    /// throws. It runs again, on what is there then, when it was undone for want of space that another's work needed or
    /// that could be made. `name` is the commit's among the failpoints.
    void run(std::string_view name, const std::function<void(soci::session&)>& work);

    /// How long callers waited until their work was committed, and how often the disk refused it.
    [[nodiscard]] const CallMeter& meter() const { return meter_; }

  private:
    struct Task {
        std::string_view name;
        const std::function<void(soci::session&)>& work;
        std::exception_ptr thrown;
        std::binary_semaphore ended{0};
    };
    /// Those who share a commit, in the order in which they came.
    using Group = std::vector<Task*>;
    struct Queue {
        Group waiting;
        bool ending = false;
    };

    void serve();
    void commit(Group group);
    void write(const Group& group, Group::const_iterator& at);
    std::exception_ptr attempt(const Task& task);
    static void end(const Group& group);

    CallMeter meter_;
    std::function<bool()> make_room_;
    soci::session sql_;  ///< the thread's alone
    std::condition_variable came_;
    Synchronized<Queue> queue_;
    std::thread thread_;
};

}  // namespace drover
