#include "health/prober.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <array>
#include <boost/asio.hpp>
#include <deque>
#include <utility>

#include "model/thread.hpp"

namespace drover {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using health::Clock;

constexpr auto beat = std::chrono::milliseconds(500);
constexpr auto between_targets = std::chrono::seconds(5);
constexpr std::size_t longest_answer = 1024;  // of which the first line counts

/// One question. It lives until it is answered, or its deadline has passed.
class Question : public std::enable_shared_from_this<Question> {
  public:
    using Done = std::function<void(const std::string& trouble)>;

    Question(asio::io_context& io, const Probe& probe, Address address, Done done)
        : probe_(probe), address_(address), done_(std::move(done)), socket_(io), deadline_(io) {}

    void ask() {
        deadline_.expires_after(probe_.timeout);
        deadline_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (!error) self->end(fmt::format("no answer within {}", to_text(self->probe_.timeout)));
        });
        const Tcp::endpoint place(asio::ip::address_v4(address_.value), static_cast<unsigned short>(probe_.port));
        socket_.async_connect(place, [self = shared_from_this()](const boost::system::error_code& error) {
            if (error) return self->end(error.message());
            if (self->probe_.path.empty()) return self->end("");
            self->say();
        });
    }

  private:
    void say() {
        request_ = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: drover\r\nConnection: close\r\n\r\n",
                               probe_.path, to_text(address_));
        asio::async_write(socket_, asio::buffer(request_),
                          [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                              if (error) return self->end(error.message());
                              self->hear();
                          });
    }

    void hear() {
        socket_.async_read_some(asio::buffer(input_),
                                [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                    if (self->over_) return;
                                    self->answer_.append(self->input_.data(), size);
                                    const auto end = self->answer_.find('\n');
                                    if (end != std::string::npos) return self->judge(self->answer_.substr(0, end));
                                    if (error || self->answer_.size() >= longest_answer)
                                        return self->end("what answers speaks no HTTP");
                                    self->hear();
                                });
    }

    void judge(const std::string& line) {
        int status = 0;
        if (!line.starts_with("HTTP/1.") || line.size() < 12 || std::sscanf(line.c_str() + 9, "%3d", &status) != 1)
            return end("what answers speaks no HTTP");
        end(status >= 200 && status < 400 ? "" : fmt::format("the answer is {}", status));
    }

    void end(const std::string& trouble) {
        if (std::exchange(over_, true)) return;
        deadline_.cancel();
        boost::system::error_code ignored;  // closing twice is no news
        socket_.close(ignored);
        done_(trouble);
    }

    Probe probe_;
    Address address_;
    Done done_;
    Tcp::socket socket_;
    asio::steady_timer deadline_;
    std::string request_, answer_;
    std::array<char, longest_answer> input_{};
    bool over_ = false;
};

/// What is known of one probe of one guest.
struct Record {
    int failures = 0;  ///< in a row
    health::Alarm alarm;
    bool open = false;   ///< a question is on its way
    bool there = false;  ///< its guest still is
};

}  // namespace

/// All of it belongs to its thread.
struct Prober::State {
    explicit State(ProberParts given) : parts(std::move(given)), timer(io) {}

    using Key = std::pair<GuestId, std::size_t>;

    void tick();
    void refresh(Clock::time_point now);
    void ask(const ProbeTarget& target, std::size_t index);
    void ask_next();
    void heard(const ProbeTarget& target, std::size_t index, const std::string& trouble);

    ProberParts parts;
    asio::io_context io;
    asio::steady_timer timer;
    Clock::time_point begun = Clock::now(), looked = begun;
    std::optional<Clock::time_point> refreshed;
    std::vector<ProbeTarget> targets;
    std::map<Key, Record> records;
    std::deque<std::pair<ProbeTarget, std::size_t>> waiting;  ///< for one of the others to end
    std::size_t open = 0;
    std::thread worker;
};

void Prober::State::tick() {
    const auto now = Clock::now();
    try {
        refresh(now);
    } catch (const std::exception& error) {
        spdlog::warn("probes: {}", error.what());
    }
    const auto since = [&](Clock::time_point at) { return std::chrono::duration_cast<Duration>(at - begun); };
    for (const ProbeTarget& target : targets)
        for (std::size_t i = 0; i < target.probes.size(); ++i)
            if (health::is_due(target.id, since(looked), since(now), target.probes[i].interval)) ask(target, i);
    looked = now;
    timer.expires_after(beat);
    timer.async_wait([this](const boost::system::error_code& error) {
        if (!error) tick();
    });
}

void Prober::State::refresh(Clock::time_point now) {
    if (refreshed && now - *refreshed < between_targets) return;
    refreshed = now;
    targets = parts.targets();
    for (auto& [key, record] : records) record.there = false;
    for (const ProbeTarget& target : targets)
        for (std::size_t i = 0; i < target.probes.size(); ++i) records[{target.id, i}].there = true;
    std::erase_if(records, [](const auto& entry) { return !entry.second.there && !entry.second.open; });
}

void Prober::State::ask(const ProbeTarget& target, std::size_t index) {
    Record& record = records[{target.id, index}];
    if (std::exchange(record.open, true)) return;  // the last question is still on its way
    waiting.emplace_back(target, index);
    ask_next();
}

void Prober::State::ask_next() {
    while (open < most_open && !waiting.empty()) {
        const auto [target, index] = std::move(waiting.front());
        waiting.pop_front();
        ++open;
        const auto done = [this, target = target, index = index](const std::string& trouble) {
            --open;
            heard(target, index, trouble);
            asio::post(io, [this] { ask_next(); });
        };
        std::make_shared<Question>(io, target.probes[index], target.address, done)->ask();
    }
}

void Prober::State::heard(const ProbeTarget& target, std::size_t index, const std::string& trouble) {
    const auto found = records.find({target.id, index});
    if (found == records.end()) return;
    Record& record = found->second;
    record.open = false;
    if (!record.there) return;  // it went away: no wonder
    record.failures = trouble.empty() ? 0 : record.failures + 1;
    const Probe& probe = target.probes[index];
    const bool fails = record.failures >= failures_to_tell;
    try {
        if (record.alarm.note(fails, trouble.empty(), Clock::now()))
            parts.tell(target, record.alarm.raised() ? fmt::format("the probe {} failed {} times: {}", to_text(probe),
                                                                   record.failures, trouble)
                                                     : fmt::format("the probe {} is answered again", to_text(probe)));
        if (record.failures == failures_to_tell && !probe.restart.empty() && parts.restart)
            parts.restart(target, probe, fmt::format("the probe {} failed: {}", to_text(probe), trouble));
        if (fails) record.failures = probe.restart.empty() ? record.failures : 0;  // it is counted anew after a restart
    } catch (const std::exception& error) {
        spdlog::warn("probes: {}: {}", target.name, error.what());
    }
}

Prober::Prober(ProberParts parts) : state_(std::make_unique<State>(std::move(parts))) {}

Prober::~Prober() {
    state_->io.stop();
    if (state_->worker.joinable()) state_->worker.join();
}

void Prober::start() {
    state_->worker = std::thread([this] {
        pthread_setname_np(pthread_self(), "probes");
        be_nice(5);
        state_->tick();
        state_->io.run();
    });
}

}  // namespace drover
