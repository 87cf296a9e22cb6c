#include <utility>  // before Asio: its coroutines need it with g++ 12
//
#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <thread>

#include "api/metrics_port.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Protocol = asio::ip::tcp;
using Stream = beast::basic_stream<Protocol, asio::any_io_executor>;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;

constexpr auto limit = std::chrono::seconds(10);
constexpr int most_connections = 16;

Protocol::endpoint endpoint_of(const std::string& text) {
    const auto colon = text.rfind(':');
    return {asio::ip::make_address(text.substr(0, colon)),
            static_cast<unsigned short>(std::stoi(text.substr(colon + 1)))};
}

}  // namespace

struct MetricsPort::State {
    State(const std::string& endpoint, std::function<std::string()> text) : metrics(std::move(text)) {
        boost::system::error_code error;
        const auto where = endpoint_of(endpoint);
        acceptor.open(where.protocol());
        acceptor.set_option(Protocol::acceptor::reuse_address(true));
        acceptor.bind(where, error);
        if (!error) acceptor.listen(most_connections, error);
        if (error)
            throw Error(ErrorKind::unavailable, fmt::format("metrics.listen {}: {}", endpoint, error.message()),
                        "choose a port that nobody listens at, on an address of this host");
    }

    asio::awaitable<void> accept() {
        while (true) {
            boost::system::error_code error;
            auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
            if (error == asio::error::operation_aborted) co_return;
            if (error) {
                asio::steady_timer pause(io, std::chrono::milliseconds(100));
                co_await pause.async_wait(asio::use_awaitable);
            } else if (connections < most_connections) {
                asio::co_spawn(io, serve(std::move(socket)), asio::detached);
            }
        }
    }

    asio::awaitable<void> serve(Protocol::socket socket) {
        ++connections;
        try {
            Stream stream(std::move(socket));
            stream.expires_after(limit);
            beast::flat_buffer buffer;
            http::request_parser<http::empty_body> parser;
            co_await http::async_read(stream, buffer, parser, asio::use_awaitable);
            const auto response = answer_to(parser.get());
            stream.expires_after(limit);
            http::response_serializer<http::string_body> serializer(response);
            co_await http::async_write(stream, serializer, asio::use_awaitable);
        } catch (const std::exception&) {
            // it went away, was too slow, or sent no HTTP
        }
        --connections;
    }

    [[nodiscard]] Response answer_to(const Request& request) const {
        Response response(http::status::ok, request.version());
        response.keep_alive(false);
        response.set(http::field::content_type, "text/plain; version=0.0.4");
        try {
            if (request.target() != "/metrics") {
                response.result(http::status::not_found);
                response.body() = "only /metrics is here\n";
            } else if (request.method() != http::verb::get) {
                response.result(http::status::method_not_allowed);
                response.body() = "only GET is here\n";
            } else {
                response.body() = metrics();
            }
        } catch (const std::exception& error) {
            spdlog::warn("metrics: {}", error.what());
            response.result(http::status::service_unavailable);
            response.body() = "no metrics now\n";
        }
        response.prepare_payload();
        return response;
    }

    std::function<std::string()> metrics;
    asio::io_context io{1};
    Protocol::acceptor acceptor{io};
    int connections = 0;
    std::thread thread;
};

MetricsPort::MetricsPort(const std::string& endpoint, std::function<std::string()> metrics)
    : state_(std::make_unique<State>(endpoint, std::move(metrics))) {
    asio::co_spawn(state_->io, state_->accept(), asio::detached);
    state_->thread = std::thread([this] {
        pthread_setname_np(pthread_self(), "metrics");
        state_->io.run();
    });
}

MetricsPort::~MetricsPort() {
    state_->io.stop();
    state_->thread.join();
}

}  // namespace drover
