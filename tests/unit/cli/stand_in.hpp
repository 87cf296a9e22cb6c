#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/run.hpp"
#include "wire/wire.hpp"

namespace drover::cli {

/// A folder that goes with the test.
class Folder {
  public:
    Folder();
    ~Folder();
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  private:
    std::string path_;
};

/// What the stand-in heard.
struct Heard {
    std::string method, target, body, idempotency_key;
};

/// What it answers. An empty body with status 0 is no answer at all: the connection is closed.
struct Answer {
    int status = 200;
    std::string body;
    std::string type = "application/json";
    bool cut = false;  ///< the connection breaks in the middle of the body
};

Answer json(const wire::Json& body, int status = 200);
Answer error(const Error& error);

/// A small HTTP server on a Unix socket: stands in for droverd, answers as the test says.
class StandIn {
  public:
    using Handler = std::function<Answer(const Heard&)>;
    StandIn(std::string socket, Handler handler);
    ~StandIn();
    StandIn(const StandIn&) = delete;
    StandIn& operator=(const StandIn&) = delete;

    std::vector<Heard> heard();

  private:
    using Socket = boost::asio::local::stream_protocol::socket;
    void serve();
    void serve_one(Socket& socket);

    std::string path_;
    Handler handler_;
    boost::asio::io_context loop_;
    boost::asio::local::stream_protocol::acceptor acceptor_;
    std::atomic<bool> ended_ = false;
    std::mutex mutex_;
    std::vector<Heard> heard_;
    std::thread thread_;
};

/// A run of `drover`, as a script or a person sees it.
struct Outcome {
    int code = 0;
    std::string out, err;

    /// The answer for programs.
    [[nodiscard]] wire::Json json() const { return wire::parse(out); }
    /// The kind of the error for programs.
    [[nodiscard]] std::string error_kind() const { return wire::parse(err).at("error").at("kind"); }
};

/// How the console of the run looks.
struct Look {
    std::string in;
    bool interactive = false;
    bool progress = false;
    bool colour = false;
};

Outcome drover(const std::vector<std::string>& arguments, const Look& look = {});

}  // namespace drover::cli
