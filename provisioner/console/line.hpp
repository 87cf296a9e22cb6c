#pragma once
#include <utility>  // before Asio: its coroutines need it with g++ 12
//
#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <functional>
#include <memory>
#include <string>

#include "console/budget.hpp"
#include "console/consoles.hpp"

namespace drover::console {

namespace asio = boost::asio;
using Channel = asio::posix::stream_descriptor;

class Line;

/// What all lines have in common, on the thread of the consoles.
struct Common {
    std::function<void(GuestId, std::string_view)> printed;
    std::function<void(GuestId, const Line*)> ended;
    Budget budget{4096.0 * 1024, 4096.0 * 1024};
    std::array<char, 4096> input{};
};

/// Somebody at a console. On the thread of the consoles, but for its making.
class Visitor : public std::enable_shared_from_this<Visitor> {
  public:
    Visitor(asio::io_context& io, SeatPtr seat, UniqueFd socket);

    [[nodiscard]] const SeatPtr& seat() const { return seat_; }
    /// Passes on what it says, from now on.
    void begin(const std::shared_ptr<Line>& line, const std::string& said);
    /// What the guest prints; what does not fit is missed.
    void show(std::string_view bytes);
    /// The line took what was said: more may come.
    void go_on();
    /// Nothing more comes: closed once all is shown.
    void finish();
    void close();

  private:
    void listen();
    void await_end();
    void leave();
    void pass_on(std::size_t size);
    void flush();
    void on_shown(const boost::system::error_code& error);

    SeatPtr seat_;
    Channel socket_;
    std::weak_ptr<Line> line_;
    std::array<char, 4096> input_{};
    std::string output_, in_flight_;
    std::size_t missed_ = 0;
    bool listening_ = false, showing_ = false, finishing_ = false, closed_ = false;
};
using VisitorPtr = std::shared_ptr<Visitor>;

/// One guest's console. On the thread of the consoles, but for its making.
class Line : public std::enable_shared_from_this<Line> {
  public:
    Line(asio::io_context& io, GuestId id, Common& common, UniqueFd console);

    void listen();
    /// Takes the place of a former visitor, who is closed.
    void receive(VisitorPtr visitor, const std::string& said);
    /// Ends the visit of whoever has another seat than this; none: of anybody.
    void dismiss(const Seat* but = nullptr);
    /// It has gone by itself.
    void left(const Visitor* visitor);
    /// To the guest; the visitor is told to go on when it took it.
    void say(std::string_view bytes);
    /// Nothing is reported after this; the visitor ends, too.
    void close();

  private:
    void on_readable(boost::system::error_code error);
    void rest();
    void end();

    GuestId id_;
    Common& common_;
    Channel console_;
    asio::steady_timer pause_;
    Budget budget_{64.0 * 1024, 256.0 * 1024};
    VisitorPtr visitor_;
    std::string said_;  ///< to the guest, while it is being written
    bool saying_ = false, closed_ = false;
};
using LinePtr = std::shared_ptr<Line>;

}  // namespace drover::console
