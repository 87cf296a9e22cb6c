#include "cli/client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <csignal>
#include <cstring>
#include <limits>
#include <optional>

#include "model/unique_fd.hpp"

namespace drover::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Stream = beast::basic_stream<asio::local::stream_protocol>;
using Request = http::request<http::string_body>;
using boost::system::error_code;

constexpr std::uint64_t longest_answer = 1ULL << 30;

Error nobody_there(const std::string& socket, int error) {
    const bool absent = error == ENOENT || error == ECONNREFUSED;
    const auto message = absent ? fmt::format("no daemon listens on '{}'", socket)
                                : fmt::format("cannot reach the daemon on '{}': {}", socket, std::strerror(error));
    return {ErrorKind::unavailable, message, "is droverd running? another socket: --socket PATH or DROVER_SOCKET"};
}

/// A blocking connect: a non-blocking one to a Unix socket whose backlog is full fails at once instead of waiting.
UniqueFd connect_to(const std::string& socket, Duration deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.empty() || socket.size() >= sizeof address.sun_path) {
        throw Error(ErrorKind::usage, fmt::format("socket path '{}' is empty or longer than {} bytes", socket,
                                                  sizeof address.sun_path - 1));
    }
    socket.copy(address.sun_path, socket.size());
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval limit{static_cast<time_t>(deadline.count() / 1000), (deadline.count() % 1000) * 1000};
    if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
        throw nobody_there(socket, errno);
    }
    while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        if (errno != EINTR) throw nobody_there(socket, errno == EAGAIN ? ETIMEDOUT : errno);
    }
    return fd;
}

/// Nobody knows what became of a change whose answer did not come; a look can simply be repeated.
Error no_answer(const Request& request, const error_code& error) {
    const auto reason =
        error == beast::error::timeout ? "no answer in time" : "the connection broke: " + error.message();
    const auto message =
        fmt::format("{} {}: {}", std::string(request.method_string()), std::string(request.target()), reason);
    if (request.method() == http::verb::get) return {ErrorKind::unavailable, message, "is droverd running? try again"};
    return {ErrorKind::failed, message, "it may have been accepted: look with drover operations"};
}

}  // namespace

/// The moving parts: one event loop, Ctrl-C, and the connection of the call that runs.
class Client::Connection {
  public:
    Connection(std::string socket, Deadlines deadlines)
        : socket_(std::move(socket)), deadlines_(deadlines), interrupt_(loop_, SIGINT) {
        interrupt_.async_wait([this](const error_code& error, int) {
            if (error) return;
            interrupted_ = true;
            if (stream_) stream_->cancel();
            timer_.cancel();
        });
    }

    wire::Json call(const Request& request, Duration extra) {
        open(request, extra);
        http::response_parser<http::string_body> parser;
        parser.body_limit(longest_answer);
        finish(request, [&](auto done) { http::async_read(*stream_, buffer_, parser, done); });
        stream_.reset();
        const auto& answer = parser.get();
        if (answer.result_int() >= 300) throw wire::decode_error(static_cast<int>(answer.result_int()), answer.body());
        return answer.body().empty() ? wire::Json() : wire::parse_answer(answer.body());
    }

    Upgraded upgrade(const Request& request) {
        open(request, Duration{0});
        http::response_parser<http::string_body> parser;
        parser.body_limit(longest_answer);
        finish(request, [&](auto done) { http::async_read_header(*stream_, buffer_, parser, done); });
        if (parser.get().result() != http::status::switching_protocols) {
            finish(request, [&](auto done) { http::async_read(*stream_, buffer_, parser, done); });
            throw wire::decode_error(static_cast<int>(parser.get().result_int()), parser.get().body());
        }
        stream_->expires_never();
        auto socket = stream_->release_socket();
        stream_.reset();
        return {UniqueFd(socket.release()), beast::buffers_to_string(buffer_.data())};
    }

    void stream(const Request& request, const std::function<void(std::string_view)>& piece, bool is_patient) {
        is_patient_ = is_patient;
        open(request, Duration{0});
        http::response_parser<http::buffer_body> parser;
        parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // boost::none means 0 in Beast 1.74
        finish(request, [&](auto done) { http::async_read_header(*stream_, buffer_, parser, done); });
        const auto status = static_cast<int>(parser.get().result_int());
        std::string refusal;
        read_pieces(request, parser,
                    [&](std::string_view text) { status < 300 ? piece(text) : void(refusal += text); });
        stream_.reset();
        if (status >= 300) throw wire::decode_error(status, refusal);
    }

    void pause(Duration duration) {
        bool finished = false;
        timer_.expires_after(duration);
        timer_.async_wait([&](const error_code&) { finished = true; });
        run_until(finished);
    }

  private:
    void open(const Request& request, Duration extra) {
        buffer_.clear();
        stream_.emplace(loop_);
        stream_->socket().assign(asio::local::stream_protocol(), connect_to(socket_, deadlines_.connect).release());
        stream_->expires_after(deadlines_.answer + extra);
        finish(request, [&](auto done) { http::async_write(*stream_, request, done); });
    }

    template <typename Parser, typename Piece> void read_pieces(const Request& request, Parser& parser, Piece piece) {
        std::array<char, 65536> space{};
        while (!parser.is_done()) {
            auto& body = parser.get().body();
            body.data = space.data();
            body.size = space.size();
            is_patient_ ? stream_->expires_never() : stream_->expires_after(deadlines_.answer);
            finish(request, [&](auto done) { http::async_read_some(*stream_, buffer_, parser, done); });
            piece(std::string_view(space.data(), space.size() - body.size));
        }
    }

    /// Starts one operation and runs the loop until it has ended, well or badly.
    template <typename Start> void finish(const Request& request, Start start) {
        bool finished = false;
        error_code result;
        start([&](const error_code& error, std::size_t) {
            result = error;
            finished = true;
        });
        run_until(finished);
        if (result && result != http::error::need_buffer) throw no_answer(request, result);
    }

    void run_until(const bool& finished) {
        loop_.restart();
        while (!finished) loop_.run_one();
        if (interrupted_) throw Error(ErrorKind::interrupted, "interrupted");
    }

    std::string socket_;
    Deadlines deadlines_;
    asio::io_context loop_;
    asio::signal_set interrupt_;
    asio::steady_timer timer_{loop_};
    bool interrupted_ = false, is_patient_ = false;
    std::optional<Stream> stream_;
    beast::flat_buffer buffer_;
};

namespace {

Request make_request(http::verb verb, const std::string& target, const wire::Json& body = nullptr) {
    Request request(verb, target, 11);
    request.set(http::field::host, "drover");
    request.set(http::field::connection, "close");
    if (!body.is_null()) {
        request.set(http::field::content_type, "application/json");
        request.body() = wire::dump(body);
    }
    request.prepare_payload();
    return request;
}

}  // namespace

Client::Client(std::string socket, Deadlines deadlines)
    : connection_(std::make_unique<Connection>(std::move(socket), deadlines)) {}

Client::~Client() = default;

wire::Json Client::get(const std::string& target, Duration extra) {
    return connection_->call(make_request(http::verb::get, target), extra);
}

wire::Json Client::post(const std::string& target, const wire::Json& body, const std::string& idempotency_key,
                        Duration extra) {
    auto request = make_request(http::verb::post, target, body);
    if (!idempotency_key.empty()) request.set("Idempotency-Key", idempotency_key);
    return connection_->call(request, extra);
}

wire::Json Client::put(const std::string& target, const wire::Json& body) {
    return connection_->call(make_request(http::verb::put, target, body), Duration{0});
}

wire::Json Client::remove(const std::string& target) {
    return connection_->call(make_request(http::verb::delete_, target), Duration{0});
}

void Client::stream(const std::string& target, const std::function<void(std::string_view)>& piece) {
    connection_->stream(make_request(http::verb::get, target), piece, false);
}

void Client::follow(const std::string& target, const std::function<void(std::string_view)>& piece) {
    connection_->stream(make_request(http::verb::get, target), piece, true);
}

Upgraded Client::upgrade(const std::string& target, const wire::Json& body, const std::string& protocol) {
    auto request = make_request(http::verb::post, target, body);
    request.set(http::field::connection, "Upgrade");
    request.set(http::field::upgrade, protocol);
    return connection_->upgrade(request);
}

void Client::pause(Duration duration) { connection_->pause(duration); }

void EventStream::feed(std::string_view piece) {
    constexpr std::size_t longest_line = 1U << 20;
    for (auto end = piece.find('\n'); end != std::string_view::npos; end = piece.find('\n')) {
        rest_ += piece.substr(0, end);
        if (rest_.ends_with('\r')) rest_.pop_back();
        line(std::exchange(rest_, {}));
        piece.remove_prefix(end + 1);
    }
    rest_ += piece;
    if (rest_.size() > longest_line) throw Error(ErrorKind::failed, "the daemon sent an event without an end");
}

void EventStream::line(std::string_view text) {
    if (text.empty()) {
        if (!event_.empty()) data_(std::exchange(event_, {}));
    } else if (text.starts_with("data:")) {
        text.remove_prefix(text.starts_with("data: ") ? 6 : 5);
        if (!event_.empty()) event_ += '\n';
        event_ += text;
    }
}

}  // namespace drover::cli
