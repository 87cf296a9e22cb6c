#include "control/sessions.hpp"

#include <pthread.h>

#include <array>
#include <atomic>
#include <boost/asio.hpp>
#include <chrono>
#include <csignal>
#include <list>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace drover::control {
namespace {

namespace asio = boost::asio;
using Channel = asio::posix::stream_descriptor;  // a socket of a vm, a tty of a container

class Session;

/// What all sessions have in common, on the thread of the sessions: whom they tell, and where they read to.
struct Listener {
    std::function<void(GuestId, const FromGuest&)> said;
    std::function<void(GuestId, const Session*)> ended;
    std::array<char, max_line> input{};
};

constexpr std::size_t most_waiting_output = 64UL * 1024;
constexpr int most_lines_a_turn = 64;
constexpr int most_lines_a_second = 256;

/// One guest's channel. All of it but `waiting` runs on the thread of the sessions.
class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(asio::io_context& io, GuestId id, Listener& listener, UniqueFd channel)
        : id_(id), listener_(listener), channel_(io, channel.release()), pause_(io) {
        channel_.non_blocking(true);
    }

    /// Adds to what waits to be sent; false: too much waits already. Any thread.
    bool reserve(std::size_t size) {
        std::size_t waiting = waiting_.load();
        do {
            if (waiting + size > most_waiting_output) return false;
        } while (!waiting_.compare_exchange_weak(waiting, waiting + size));
        return true;
    }

    void write(const std::string& text) {
        output_ += text;
        if (!writing_) flush();
    }

    /// Waits for input before it reads, so that guests who are silent share one buffer.
    void read() {
        channel_.async_wait(Channel::wait_read, [self = shared_from_this()](const boost::system::error_code& error) {
            self->on_readable(error);
        });
    }

    /// Nothing is reported after this.
    void close() {
        closed_ = true;
        boost::system::error_code ignored;  // closing twice is no news
        channel_.close(ignored);
        pause_.cancel();
    }

  private:
    void on_readable(boost::system::error_code error) {
        if (closed_) return;
        const auto size = error ? 0 : channel_.read_some(asio::buffer(listener_.input), error);
        if (error == asio::error::would_block) return read();
        if (error) return end();
        for (std::string& line : reader_.feed({listener_.input.data(), size})) lines_.push_back(std::move(line));
        handle_lines();
    }

    /// A turn's worth of lines, then everybody else's turn; over the rate, a rest for the remainder of the second.
    void handle_lines() {
        if (closed_) return;
        const auto now = std::chrono::steady_clock::now();
        if (now - second_ >= std::chrono::seconds(1)) {
            second_ = now;
            lines_this_second_ = 0;
        }
        for (int i = 0; i < most_lines_a_turn && !lines_.empty() && !closed_; ++i) {
            if (lines_this_second_ == most_lines_a_second) return rest();
            ++lines_this_second_;
            if (const auto message = decode_from_guest(lines_.front())) listener_.said(id_, *message);
            lines_.pop_front();
        }
        if (closed_) return;
        if (lines_.empty()) return read();
        asio::post(channel_.get_executor(), [self = shared_from_this()] { self->handle_lines(); });
    }

    void rest() {
        pause_.expires_at(second_ + std::chrono::seconds(1));
        pause_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->handle_lines();
        });
    }

    void flush() {
        writing_ = true;
        in_flight_.swap(output_);
        asio::async_write(channel_, asio::buffer(in_flight_),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              self->on_written(error);
                          });
    }

    void on_written(const boost::system::error_code& error) {
        waiting_ -= in_flight_.size();
        in_flight_.clear();
        writing_ = false;
        if (closed_) return;
        if (error) return end();
        if (!output_.empty()) return flush();
        in_flight_ = output_ = std::string();  // what was said is seldom said again: no room is kept for it
    }

    void end() {
        if (closed_) return;
        close();
        listener_.ended(id_, this);
    }

    GuestId id_;
    Listener& listener_;
    Channel channel_;
    asio::steady_timer pause_;
    LineReader reader_;
    std::list<std::string> lines_;  // an empty deque takes half a kilobyte, for each silent guest
    std::chrono::steady_clock::time_point second_;
    int lines_this_second_ = 0;
    std::string output_, in_flight_;
    std::atomic<std::size_t> waiting_ = 0;
    bool writing_ = false, closed_ = false;
};

using SessionPtr = std::shared_ptr<Session>;

}  // namespace

struct Sessions::State {
    explicit State(Handlers given)
        : handlers(std::move(given)), listener{handlers.said, [this](GuestId id, const Session* session) {
                                                   if (forget(id, session)) handlers.closed(id);
                                               }} {}

    /// False: another session took its place meanwhile, so its end is no news.
    bool forget(GuestId id, const Session* session) {
        const std::lock_guard lock(mutex);
        const auto found = sessions.find(id);
        if (found == sessions.end() || found->second.get() != session) return false;
        sessions.erase(found);
        return true;
    }

    SessionPtr find(GuestId id) {
        const std::lock_guard lock(mutex);
        const auto found = sessions.find(id);
        return found == sessions.end() ? nullptr : found->second;
    }

    SessionPtr take(GuestId id) {
        const std::lock_guard lock(mutex);
        const auto found = sessions.extract(id);
        return found ? found.mapped() : nullptr;
    }

    asio::io_context io;  // first: it outlives the sessions
    Handlers handlers;
    Listener listener;
    std::mutex mutex;
    std::unordered_map<GuestId, SessionPtr> sessions;
    std::atomic<std::uint32_t> number = 0;
    asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
    std::thread thread;
};

Sessions::Sessions(Handlers handlers) : state_(std::make_unique<State>(std::move(handlers))) {
    state_->thread = std::thread([this] {
        pthread_setname_np(pthread_self(), "control");
        sigset_t broken_pipe;  // a channel may end while it is written to
        sigemptyset(&broken_pipe);
        sigaddset(&broken_pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
        state_->io.run();
    });
}

Sessions::~Sessions() {
    state_->io.stop();
    state_->thread.join();
}

void Sessions::attach(GuestId id, UniqueFd channel) {
    close(id);
    const auto session = std::make_shared<Session>(state_->io, id, state_->listener, std::move(channel));
    {
        const std::lock_guard lock(state_->mutex);
        state_->sessions[id] = session;
    }
    asio::post(state_->io, [session] { session->read(); });
    send(id, {Ping{next_number()}});
}

bool Sessions::attached(GuestId id) const { return state_->find(id) != nullptr; }

std::size_t Sessions::count() const {
    const std::lock_guard lock(state_->mutex);
    return state_->sessions.size();
}

bool Sessions::send(GuestId id, const std::vector<FromDaemon>& messages) {
    const SessionPtr session = state_->find(id);
    if (!session) return false;
    std::string text = "\n";  // a guest's end that has just begun to listen drops all up to the first newline
    for (const FromDaemon& message : messages) text += encode(message);
    if (!session->reserve(text.size())) return false;
    asio::post(state_->io, [session, text] { session->write(text); });
    return true;
}

std::uint32_t Sessions::next_number() {
    std::uint32_t number = 0;
    while (number == 0) number = ++state_->number;
    return number;
}

void Sessions::close(GuestId id) {
    if (const SessionPtr session = state_->take(id)) asio::post(state_->io, [session] { session->close(); });
}

}  // namespace drover::control
