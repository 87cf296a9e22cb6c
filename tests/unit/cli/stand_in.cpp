#include "stand_in.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace drover::cli {

namespace http = boost::beast::http;
using boost::system::error_code;

Folder::Folder() {
    path_ = (std::filesystem::temp_directory_path() / "drover-cli-XXXXXX").string();
    if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("no folder for the test");
}

Folder::~Folder() { std::filesystem::remove_all(path_); }

Answer json(const wire::Json& body, int status) { return {status, wire::dump(body)}; }

Answer error(const Error& error) { return json(wire::encode(error), form_of(error.kind()).http_status); }

StandIn::StandIn(std::string socket, Handler handler)
    : path_(std::move(socket)),
      handler_(std::move(handler)),
      acceptor_(loop_, boost::asio::local::stream_protocol::endpoint(path_)),
      thread_([this] { serve(); }) {}

StandIn::~StandIn() {
    ended_ = true;
    Socket wake(loop_);
    error_code ignored;
    wake.connect(boost::asio::local::stream_protocol::endpoint(path_), ignored);
    thread_.join();
    std::filesystem::remove(path_);
}

std::vector<Heard> StandIn::heard() {
    const std::lock_guard lock(mutex_);
    return heard_;
}

void StandIn::serve() {
    for (;;) {
        Socket socket(loop_);
        acceptor_.accept(socket);
        if (ended_) return;
        serve_one(socket);
    }
}

void StandIn::serve_one(Socket& socket) {
    boost::beast::flat_buffer buffer;
    http::request<http::string_body> request;
    error_code broken;
    http::read(socket, buffer, request, broken);
    if (broken) return;
    const Heard heard{std::string(request.method_string()), std::string(request.target()), request.body(),
                      std::string(request["Idempotency-Key"])};
    {
        const std::lock_guard lock(mutex_);
        heard_.push_back(heard);
    }
    const auto answer = handler_(heard);
    if (answer.status == 0) return;
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11, answer.body);
    response.set(http::field::content_type, answer.type);
    response.keep_alive(false);
    response.content_length(answer.body.size() + (answer.cut ? 1 : 0));
    if (answer.type == "text/event-stream") response.erase(http::field::content_length);
    http::write(socket, response, broken);
}

Outcome drover(const std::vector<std::string>& arguments, const Look& look) {
    std::istringstream in(look.in);
    std::ostringstream out, err;
    Console console{in, out, err, look.interactive, look.progress, look.colour};
    const int code = run(arguments, console);
    return {code, out.str(), err.str()};
}

}  // namespace drover::cli
