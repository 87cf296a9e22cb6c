#include <utility>  // before Asio: its coroutines need it with g++ 12
//
#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "api/news.hpp"
#include "api/server.hpp"

namespace drover {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Unix = asio::local::stream_protocol;
using Stream = beast::basic_stream<Unix, asio::any_io_executor>;
using Clock = std::chrono::steady_clock;

constexpr auto idle_limit = std::chrono::seconds(60);
constexpr auto request_limit = std::chrono::seconds(10);
constexpr Duration keepalive_interval = std::chrono::seconds(15);
constexpr int reader_threads = 4;
constexpr int writer_threads = 24;  // they wait for the disk together

Answer error_answer(const Error& error) { return answer(wire::encode(error), form_of(error.kind()).http_status); }

/// A header that may come once: which of two would be meant?
std::optional<std::string> only(const http::request<http::string_body>& request, const char* name) {
    const auto count = request.count(name);
    if (count == 0) return std::nullopt;
    if (count > 1) throw Error(ErrorKind::usage, fmt::format("the header {} came {} times", name, count));
    const auto value = request[name];
    return std::string(value.data(), value.size());
}

/// Empty when there is none. One that is given and cannot be kept is refused: who sends it relies on it.
std::string idempotency_key_of(const http::request<http::string_body>& request) {
    const auto key = only(request, "Idempotency-Key");
    if (key) wire::check_idempotency_key(*key);
    return key.value_or("");
}

Call call_of(const http::request<http::string_body>& request, const Peer& peer) {
    Call call;
    call.method = std::string(request.method_string());
    const auto target = request.target();
    call.target = wire::parse_target({target.data(), target.size()});
    call.body = request.body();
    call.idempotency_key = idempotency_key_of(request);
    call.on_behalf_of = only(request, "On-Behalf-Of");
    call.upgrade = only(request, "Upgrade").value_or("");
    call.peer = peer;
    return call;
}

http::response<http::string_body> response_of(const Answer& answer, const http::request<http::string_body>& request) {
    http::response<http::string_body> response(static_cast<http::status>(answer.status), request.version());
    response.set(http::field::content_type, answer.type);
    response.keep_alive(request.keep_alive());
    response.body() = answer.body;
    response.prepare_payload();
    return response;
}

/// Whether the caller has gone; one that has no more to say still listens.
bool has_hung_up(Stream& stream) {
    pollfd socket{stream.socket().native_handle(), 0, 0};
    return ::poll(&socket, 1, 0) > 0 && (socket.revents & (POLLHUP | POLLERR)) != 0;
}

/// A socket file that nobody serves is left over from a killed daemon.
void remove_dead_socket(asio::io_context& io, const std::string& path) {
    Unix::socket probe(io);
    boost::system::error_code error;
    probe.connect(Unix::endpoint(path), error);
    if (!error) throw Error(ErrorKind::refused, fmt::format("another droverd serves {}", path), "stop it first");
    ::unlink(path.c_str());
}

/// Where the file system of the socket is full, somebody has to be told which.
void bind_to(Unix::acceptor& acceptor, const std::string& path) {
    boost::system::error_code error;
    acceptor.bind(Unix::endpoint(path), error);
    if (!error) return;
    const bool full = error == boost::system::errc::no_space_on_device;
    throw Error(ErrorKind::unavailable, fmt::format("cannot make the socket {}: {}", path, error.message()),
                full ? "make room on that file system, then start droverd again" : "");
}

}  // namespace

/// What is kept of a request while it has no answer.
struct Waiting {
    Clock::time_point began = Clock::now();
    std::shared_ptr<const Permission> permission;
    bool was_asked = false;
};

struct Server::State {
    explicit State(const std::string& path) : acceptor(io), news(io) {
        remove_dead_socket(io, path);
        acceptor.open();
        bind_to(acceptor, path);
        chmod(path.c_str(), 0666);
        acceptor.listen(1024);
    }

    asio::awaitable<void> accept();
    asio::awaitable<void> serve(Unix::socket socket);
    asio::awaitable<void> converse(Stream& stream, const Peer& peer);
    asio::awaitable<Answer> answer_to(const http::request<http::string_body>& request, const Peer& peer);
    asio::awaitable<void> stream_out(Stream& stream, const Answer& answer, unsigned version);
    static asio::awaitable<void> hand_over(Stream& stream, const Answer& answer, std::string said);
    asio::awaitable<void> on_handler_thread(asio::thread_pool& pool, const std::function<void()>& work);
    std::optional<Answer> ask(const http::request<http::string_body>& request, const Peer& peer,
                              Waiting& waiting) const;

    Handlers handlers;
    asio::io_context io{1};
    asio::thread_pool readers{reader_threads};
    asio::thread_pool writers{writer_threads};  ///< apart: who reads need not wait behind commits
    Unix::acceptor acceptor;
    News news;
};

asio::awaitable<void> Server::State::accept() {
    while (true) {
        boost::system::error_code error;
        auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
        if (error == asio::error::operation_aborted) co_return;
        if (error) {  // out of descriptors: those in use will be given back
            spdlog::warn("api: accept: {}", error.message());
            asio::steady_timer pause(io, std::chrono::milliseconds(100));
            co_await pause.async_wait(asio::use_awaitable);
            continue;
        }
        asio::co_spawn(io, serve(std::move(socket)), asio::detached);
    }
}

asio::awaitable<void> Server::State::serve(Unix::socket socket) {
    try {
        const Peer peer = handlers.identify(socket.native_handle());
        Stream stream(std::move(socket));
        co_await converse(stream, peer);
    } catch (const boost::system::system_error&) {
        // the client went away, was too slow, or sent no HTTP: its connection ends, nothing else
    } catch (const std::exception& error) {
        spdlog::warn("api: {}", error.what());
    }
}

asio::awaitable<void> Server::State::converse(Stream& stream, const Peer& peer) {
    beast::flat_buffer buffer;
    while (true) {
        http::request_parser<http::string_body> parser;
        parser.body_limit(wire::max_body);
        stream.expires_after(idle_limit);
        boost::system::error_code error;
        co_await http::async_read_header(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        if (error == http::error::end_of_stream) co_return;
        if (!error) {
            stream.expires_after(request_limit);
            co_await http::async_read(stream, buffer, parser, asio::redirect_error(asio::use_awaitable, error));
        }
        const auto& request = parser.get();
        const bool broken = error.failed();
        if (broken && error.category() != http::make_error_code(http::error::bad_method).category()) co_return;
        Answer answer;
        if (broken) {
            answer = error_answer(Error(ErrorKind::usage, "bad HTTP request: " + error.message()));
        } else {
            answer = co_await answer_to(request, peer);
        }
        stream.expires_never();
        if (answer.take_over) {
            co_await hand_over(stream, answer, beast::buffers_to_string(buffer.data()));
            co_return;
        }
        if (answer.more) {
            co_await stream_out(stream, answer, request.version());
            co_return;
        }
        stream.expires_after(request_limit);
        auto response = response_of(answer, request);
        if (broken) response.keep_alive(false);
        co_await http::async_write(stream, response, asio::use_awaitable);
        if (!response.keep_alive()) co_return;
    }
}

/// The handler's word, or its error as an answer; nothing: not yet.
std::optional<Answer> Server::State::ask(const http::request<http::string_body>& request, const Peer& peer,
                                         Waiting& waiting) const {
    try {
        Call call = call_of(request, peer);
        call.came = waiting.began;
        call.is_first = !std::exchange(waiting.was_asked, true);
        call.waited = std::chrono::duration_cast<Duration>(Clock::now() - waiting.began);
        call.permission = &waiting.permission;
        return handlers.handle(call);
    } catch (const Error& error) {
        return error_answer(error);
    } catch (const std::exception& error) {
        spdlog::error("api: {} {}: {}", std::string(request.method_string()), std::string(request.target()),
                      error.what());
        return error_answer(Error(ErrorKind::failed, error.what()));
    }
}

/// Asks the handler until it has an answer: again after each news when it says "not yet".
asio::awaitable<Answer> Server::State::answer_to(const http::request<http::string_body>& request, const Peer& peer) {
    Waiting waiting;
    while (true) {
        const std::uint64_t seen = news.count();
        std::optional<Answer> result;
        const std::function<void()> work = [&] { result = ask(request, peer, waiting); };
        co_await on_handler_thread(request.method() == http::verb::get ? readers : writers, work);
        if (result) co_return std::move(*result);
        co_await news.wait(seen, std::chrono::seconds(1));
    }
}

/// Does the work there and comes back. By reference, and from a named object: g++ 12 destroys some temporaries of a
/// co_await expression twice (GCC 99576).
asio::awaitable<void> Server::State::on_handler_thread(asio::thread_pool& pool, const std::function<void()>& work) {
    asio::steady_timer done(io, Clock::time_point::max());
    asio::post(pool, [&] {
        work();
        asio::post(io, [&done] { done.cancel(); });
    });
    boost::system::error_code cancelled;  // that is how it is done
    co_await done.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

asio::awaitable<void> Server::State::stream_out(Stream& stream, const Answer& answer, unsigned version) {
    http::response<http::empty_body> head(http::status::ok, version);
    head.set(http::field::content_type, answer.type);
    head.chunked(true);
    http::response_serializer<http::empty_body> serializer(head);
    co_await http::async_write_header(stream, serializer, asio::use_awaitable);
    const bool are_events = answer.pace == Duration::zero();
    while (true) {
        const std::uint64_t seen = news.count();
        std::optional<std::string> text;
        const std::function<void()> work = [&] { text = answer.more(); };
        co_await on_handler_thread(readers, work);
        if (!text) break;
        if (text->empty()) {
            if (has_hung_up(stream)) co_return;
            co_await news.wait(seen, are_events ? keepalive_interval : answer.pace);
            if (!are_events || news.count() != seen) continue;
            text = ": still here\n\n";
        }
        stream.expires_after(request_limit);
        co_await asio::async_write(stream, http::make_chunk(asio::buffer(*text)), asio::use_awaitable);
        stream.expires_never();
    }
    stream.expires_after(request_limit);
    co_await asio::async_write(stream, http::make_chunk_last(), asio::use_awaitable);
}

/// The caller speaks something else from now on, with somebody else.
asio::awaitable<void> Server::State::hand_over(Stream& stream, const Answer& answer, std::string said) {
    http::response<http::empty_body> head(http::status::switching_protocols, 11);
    head.set(http::field::connection, "Upgrade");
    head.set(http::field::upgrade, answer.protocol);
    http::response_serializer<http::empty_body> serializer(head);
    stream.expires_after(request_limit);
    co_await http::async_write_header(stream, serializer, asio::use_awaitable);
    stream.expires_never();
    auto socket = stream.release_socket();
    answer.take_over(UniqueFd(socket.release()), std::move(said));
}

Server::Server(const std::string& path) : state_(std::make_unique<State>(path)) {}

Server::~Server() = default;

void Server::run(Handlers handlers) {
    state_->handlers = std::move(handlers);
    asio::co_spawn(state_->io, state_->accept(), asio::detached);
    state_->io.run();
    state_->readers.join();
    state_->writers.join();
}

void Server::stop() { state_->io.stop(); }

void Server::news() { state_->news.spread(); }

}  // namespace drover
