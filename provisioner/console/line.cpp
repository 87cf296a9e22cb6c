#include "console/line.hpp"

#include <fmt/format.h>

#include <utility>

namespace drover::console {
namespace {

constexpr std::size_t most_unseen = 64UL * 1024;
constexpr auto short_rest = std::chrono::milliseconds(50);

}  // namespace

Visitor::Visitor(asio::io_context& io, SeatPtr seat, UniqueFd socket)
    : seat_(std::move(seat)), socket_(io, socket.release()) {
    socket_.non_blocking(true);
}

void Visitor::begin(const std::shared_ptr<Line>& line, const std::string& said) {
    line_ = line;
    await_end();
    if (said.empty()) return listen();
    line->say(said);
}

/// Also of one who is not listened to, since the guest takes nothing.
void Visitor::await_end() {
    socket_.async_wait(Channel::wait_error, [self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->leave();
    });
}

void Visitor::leave() {
    if (closed_) return;
    const auto line = line_.lock();
    close();
    if (line) line->left(this);
}

void Visitor::listen() {
    if (closed_ || std::exchange(listening_, true)) return;
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                self->listening_ = false;
                                if (self->closed_) return;
                                error ? self->leave() : self->pass_on(size);
                            });
}

void Visitor::pass_on(std::size_t size) {
    if (const auto line = line_.lock()) return line->say({input_.data(), size});
    close();
}

void Visitor::go_on() { listen(); }

void Visitor::show(std::string_view bytes) {
    if (closed_ || finishing_) return;
    if (output_.size() + bytes.size() > most_unseen) {
        missed_ += bytes.size();
        return;
    }
    if (missed_ > 0) output_ += fmt::format("\r\n[{} bytes are missing here]\r\n", std::exchange(missed_, 0));
    output_ += bytes;
    if (!showing_) flush();
}

void Visitor::flush() {
    showing_ = true;
    in_flight_.swap(output_);
    asio::async_write(
        socket_, asio::buffer(in_flight_),
        [self = shared_from_this()](const boost::system::error_code& error, std::size_t) { self->on_shown(error); });
}

void Visitor::on_shown(const boost::system::error_code& error) {
    showing_ = false;
    in_flight_.clear();
    if (closed_) return;
    if (error) return;  // it is gone: what listens to it says so
    if (!output_.empty()) return flush();
    if (finishing_) close();
}

void Visitor::finish() {
    finishing_ = true;
    if (!showing_) close();
}

/// The seat is free before its visitor learns that it is lost: nobody takes himself for the one who took it.
void Visitor::close() {
    closed_ = true;
    seat_.reset();
    boost::system::error_code ignored;  // closing twice is no news
    socket_.close(ignored);
}

Line::Line(asio::io_context& io, GuestId id, Common& common, UniqueFd console)
    : id_(id), common_(common), console_(io, console.release()), pause_(io) {
    console_.non_blocking(true);
}

/// Waits before it reads, so that silent guests share one buffer.
void Line::listen() {
    console_.async_wait(Channel::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
        self->on_readable(error);
    });
}

void Line::on_readable(boost::system::error_code error) {
    if (closed_) return;
    if (error) return end();
    const auto now = Budget::Clock::now();
    const auto most = common_.budget.offer(budget_.offer(common_.input.size(), now), now);
    if (most == 0) return rest();
    const auto size = console_.read_some(asio::buffer(common_.input.data(), most), error);
    if (error == asio::error::would_block) return listen();
    if (error) return end();
    budget_.take(size);
    common_.budget.take(size);
    const std::string_view bytes(common_.input.data(), size);
    common_.printed(id_, bytes);
    if (visitor_) visitor_->show(bytes);
    listen();
}

/// It has had its share: the guest waits, and so does the kernel for us.
void Line::rest() {
    pause_.expires_after(short_rest);
    pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
        if (!error) self->on_readable({});
    });
}

void Line::receive(VisitorPtr visitor, const std::string& said) {
    if (closed_) return visitor->close();
    dismiss();
    said_.clear();
    visitor_ = std::move(visitor);
    visitor_->begin(shared_from_this(), said);
}

void Line::dismiss(const Seat* but) {
    if (visitor_ && (but == nullptr || visitor_->seat().get() != but)) std::exchange(visitor_, nullptr)->close();
}

void Line::left(const Visitor* visitor) {
    if (visitor_.get() == visitor) visitor_.reset();
}

/// A guest that takes nothing holds its visitor.
void Line::say(std::string_view bytes) {
    said_ += bytes;
    if (std::exchange(saying_, true)) return;
    const auto text = std::make_shared<const std::string>(std::exchange(said_, {}));
    asio::async_write(console_, asio::buffer(*text),
                      [self = shared_from_this(), text](const boost::system::error_code& error, std::size_t) {
                          self->saying_ = false;
                          if (self->closed_ || error) return;
                          if (!self->said_.empty()) return self->say("");
                          if (self->visitor_) self->visitor_->go_on();
                      });
}

void Line::end() {
    if (closed_) return;
    const auto visitor = std::exchange(visitor_, nullptr);
    close();
    if (visitor) visitor->finish();
    common_.ended(id_, this);
}

void Line::close() {
    closed_ = true;
    boost::system::error_code ignored;
    console_.close(ignored);
    pause_.cancel();
    dismiss();
}

}  // namespace drover::console
