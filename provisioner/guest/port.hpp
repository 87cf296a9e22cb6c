#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "model/unique_fd.hpp"

namespace drover::guest {

/// In a container: names the tty that is the control channel. Absent in a vm.
inline constexpr const char* channel_file = "/run/drover/channel";

/// A tty, raw and non-blocking: it neither cuts nor echoes lines. Error{failed} naming it.
UniqueFd open_tty(const std::string& path);

/// The guest's end of the control channel: the virtio-serial port `drover.control`, in a container a tty. One thread;
/// it sleeps in wait() without any timer while nothing happens, whether somebody is connected on the host or not.
class Port {
  public:
    /// Opens it; the kernel of a vm may need a moment to find it. Error{failed} when it does not come within 10 s.
    Port();

    /// What happened.
    struct Input {
        std::vector<std::string> lines;
        bool lost = false;       ///< the host's end was not connected; the lines may be from before or after
        bool connected = false;  ///< it is connected again, and may know nothing of what was sent meanwhile
    };
    /// Waits for something from the host; nothing when `timeout` passed first (absent: for ever). May return early with
    /// nothing in it. Error{failed} when the port is gone.
    std::optional<Input> wait(std::optional<std::chrono::milliseconds> timeout);

    /// Readable once wait() has something.
    [[nodiscard]] int watched() const { return events_.get(); }

    /// Sends text, or keeps it until the host takes it. When nobody is connected and nothing came in, or nobody reads,
    /// it is dropped: whoever connects asks anew. (What a host sends comes in before the kernel knows that it
    /// connected.)
    void send(const std::string& text);

  private:
    void flush();
    void receive(Input& input);
    [[nodiscard]] bool host_is_away() const;

    UniqueFd port_, events_;
    control::LineReader reader_;
    std::string waiting_;
    bool away_ = false;       ///< nobody was connected when we looked last
    bool spoken_to_ = false;  ///< something came in with the last input, or before while nobody was connected
};

}  // namespace drover::guest
