#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "hypervisor/domains.hpp"

namespace drover {

/// A conversation with one domain on its control channel, in the caller's own thread: for templates, which are no
/// guests and have no session. Takes the channel up anew when it ends or nothing is said on it (docs/design/0014).
class TemplateTalk {
  public:
    using Clock = std::chrono::steady_clock;

    /// `pause` is called a few times a second; what it throws ends the conversation. Errors of open_channel().
    TemplateTalk(Domains& domains, GuestId id, std::function<void()> pause);

    /// Waits for the first message for which `wanted` holds. Error{failed} "no <what> within ..." at the end of
    /// `patience`, or when the domain has ended.
    control::FromGuest await(const std::string& what, Duration patience,
                             const std::function<bool(const control::FromGuest&)>& wanted);
    /// Error{failed} when it cannot be sent at once.
    void say(const control::FromDaemon& message);

  private:
    void open();
    void read();

    Domains& domains_;
    GuestId id_;
    std::function<void()> pause_;
    UniqueFd channel_;
    Clock::time_point opened_;
    control::LineReader lines_;
    std::vector<control::FromGuest> heard_;
};

}  // namespace drover
