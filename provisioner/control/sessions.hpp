#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/codec.hpp"
#include "model/guest.hpp"
#include "model/unique_fd.hpp"

namespace drover::control {

/// The host's ends of all control channels, served by one thread.
///
/// Input from a guest is bounded: at most max_line bytes are held per guest, at most 64 lines per guest are handled in
/// one turn, and a guest that sends more than 256 lines in a second is not read until that second is over; so no guest
/// slows another. Bad lines are counted and dropped. All methods may be called from any thread.
class Sessions {
  public:
    /// What happened on a channel.
    struct Handlers {
        std::function<void(GuestId, const FromGuest&)> said;
        std::function<void(GuestId)> closed;  ///< end of file or error; not after close()
    };

    /// The handlers are called from the thread of the sessions and must return fast.
    explicit Sessions(Handlers handlers);
    /// Closes all and joins the thread.
    ~Sessions();

    /// Takes a connected stream socket or a raw tty as the guest's channel, closing a former one, and sends PING.
    void attach(GuestId id, UniqueFd channel);
    [[nodiscard]] bool attached(GuestId id) const;
    /// How many are attached.
    [[nodiscard]] std::size_t count() const;
    /// Sends an empty line, so that the guest's end finds a boundary, and these, in order. Never blocks: returns false,
    /// having sent nothing, when there is no channel or more than 64 KiB are waiting to be read by the guest.
    bool send(GuestId id, const std::vector<FromDaemon>& messages);
    /// A fresh request number, unique within this process, never 0.
    std::uint32_t next_number();
    /// Ends the guest's channel; absent: nothing.
    void close(GuestId id);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover::control
