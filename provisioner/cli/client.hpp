#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "model/time.hpp"
#include "model/unique_fd.hpp"
#include "wire/wire.hpp"

namespace drover::cli {

/// How long a Client waits before it gives up.
struct Deadlines {
    Duration connect = std::chrono::seconds(5);
    Duration answer = std::chrono::seconds(60);  ///< to the whole answer; of a stream: between two pieces of it
};

/// A connection that speaks no HTTP any more, non-blocking, and what was received on it already.
struct Upgraded {
    UniqueFd connection;
    std::string received;
};

/// The daemon at the other end of its Unix socket: HTTP/1.1, one connection a call. One thread.
///
/// Every call throws: the daemon's own Error; Error{unavailable} when nobody listens, or when a call that changes
/// nothing gets no answer; Error{failed} when a call that changes something gets no answer, because then nobody knows;
/// Error{interrupted} on Ctrl-C, which a Client catches for as long as it lives.
class Client {
  public:
    explicit Client(std::string socket, Deadlines deadlines = {});
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    /// `extra` is added to the deadline of the answer: for calls that the daemon is asked to hold.
    wire::Json get(const std::string& target, Duration extra = Duration{0});
    /// `idempotency_key` goes into the header of that name; empty: none.
    wire::Json post(const std::string& target, const wire::Json& body, const std::string& idempotency_key = "",
                    Duration extra = Duration{0});
    wire::Json put(const std::string& target, const wire::Json& body);
    /// Null where the daemon has nothing to say.
    wire::Json remove(const std::string& target);

    /// Gets a body of any length; `piece` is called with each piece as it comes, until the end of the answer.
    void stream(const std::string& target, const std::function<void(std::string_view)>& piece);

    /// The same of a body that may be silent for as long as it likes.
    void follow(const std::string& target, const std::function<void(std::string_view)>& piece);

    /// Posts, and speaks `protocol` on the connection from then on. What the daemon refuses is thrown, as always.
    Upgraded upgrade(const std::string& target, const wire::Json& body, const std::string& protocol);

    /// Waits without holding the daemon; Error{interrupted} on Ctrl-C.
    void pause(Duration duration);

  private:
    class Connection;
    std::unique_ptr<Connection> connection_;
};

/// Takes the data out of a text/event-stream that arrives in pieces.
class EventStream {
  public:
    /// `data` is called with the data of each event, as soon as it is complete.
    explicit EventStream(std::function<void(const std::string&)> data) : data_(std::move(data)) {}
    /// Error{failed} when a line grows beyond 1 MiB.
    void feed(std::string_view piece);

  private:
    void line(std::string_view text);

    std::function<void(const std::string&)> data_;
    std::string rest_;   ///< of the line that is not complete yet
    std::string event_;  ///< data lines of the event that is not complete yet
};

}  // namespace drover::cli
