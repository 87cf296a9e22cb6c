#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/call.hpp"

namespace drover {

/// HTTP/1.1 on a Unix socket. One thread serves all connections, a few run the handlers. A connection is bounded in
/// header (8 KiB), body (1 MiB) and time (10 s for a request that has begun, 60 s idle), so a slow client costs
/// nothing.
class Server {
  public:
    struct Handlers {
        /// Who is at the socket; throws Error{denied}.
        std::function<Peer(int socket)> identify;
        /// Answers a call; nothing: not yet, ask again after the next news. Runs on any of the handler threads.
        std::function<std::optional<Answer>(Call&)> handle;
    };

    /// Listens at `path` (mode 0666: the peer's credentials decide), replacing a dead socket file; a socket that
    /// answers is Error{refused}. Callers wait until run().
    explicit Server(const std::string& path);
    ~Server();

    /// Serves until stop(); no handler runs any more when it returns.
    void run(Handlers handlers);
    /// Any thread, also a signal handler's thread; connections are closed.
    void stop();
    /// Something happened that a waiting caller may want to know. Any thread.
    void news();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace drover
