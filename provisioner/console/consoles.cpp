#include "console/consoles.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "console/line.hpp"
#include "model/error.hpp"
#include "model/sync.hpp"

namespace drover {

using console::Line;
using console::LinePtr;

struct Consoles::State {
    State(std::string folder, LogStore::Limits limits)
        : logs(std::move(folder), limits),
          common{.printed = [this](GuestId id, std::string_view text) { keep(id, text); },
                 .ended = [this](GuestId id, const Line* line) { tell_end(id, line); }} {}

    void tell_end(GuestId id, const Line* line) {
        if (!forget(id, line)) return;
        auto listener = closed.lock();
        if (*listener) (*listener)(id);
    }

    /// A disk that is full takes no log and holds no guest; it is said once a minute.
    void keep(GuestId id, std::string_view text) {
        bytes += static_cast<long long>(text.size());
        tell([&] { logs.append(id, text); });
    }

    template <typename Writing> void tell(Writing writing) {
        using Clock = std::chrono::steady_clock;
        try {
            writing();
        } catch (const std::exception& error) {
            ++errors;
            const std::lock_guard lock(mutex);
            if (told && Clock::now() - *told < std::chrono::minutes(1)) return;
            told = Clock::now();
            spdlog::warn("{}", error.what());
        }
    }

    /// False: another line took its place meanwhile.
    bool forget(GuestId id, const Line* line) {
        const std::lock_guard lock(mutex);
        const auto found = lines.find(id);
        if (found == lines.end() || found->second.get() != line) return false;
        lines.erase(found);
        return true;
    }

    LinePtr find(GuestId id) {
        const std::lock_guard lock(mutex);
        const auto found = lines.find(id);
        return found == lines.end() ? nullptr : found->second;
    }

    void close(GuestId id) {
        const std::lock_guard lock(mutex);
        const auto taken = lines.extract(id);
        if (taken) boost::asio::post(io, [line = taken.mapped()] { line->close(); });
    }

    boost::asio::io_context io{1};  // first: it outlives the lines
    LogStore logs;
    Synchronized<std::function<void(GuestId)>> closed;
    console::Common common;
    std::mutex mutex;
    std::unordered_map<GuestId, LinePtr> lines;
    std::unordered_map<GuestId, std::weak_ptr<const Seat>> seats;
    std::optional<std::chrono::steady_clock::time_point> told;
    std::atomic<long long> bytes = 0, errors = 0;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> lasting{io.get_executor()};
    std::thread thread;
};

Consoles::Consoles(std::string folder, LogStore::Limits limits)
    : state_(std::make_unique<State>(std::move(folder), limits)) {
    state_->thread = std::thread([this] {
        pthread_setname_np(pthread_self(), "consoles");
        sigset_t broken_pipe;  // a visitor may go while it is written to
        sigemptyset(&broken_pipe);
        sigaddset(&broken_pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);
        state_->io.run();
    });
}

Consoles::~Consoles() {
    state_->io.stop();
    state_->thread.join();
}

void Consoles::watch(std::function<void(GuestId)> closed) { *state_->closed.lock() = std::move(closed); }

void Consoles::begin(GuestId id, const std::string& name) {
    state_->close(id);
    state_->tell([&] { state_->logs.begin(id, fmt::format("-- {} started {} --\r\n", name, to_rfc3339(now()))); });
}

void Consoles::open(GuestId id, UniqueFd console) {
    const auto line = std::make_shared<Line>(state_->io, id, state_->common, std::move(console));
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->lines.emplace(id, line).second) return;
    }
    state_->tell([&] {
        state_->logs.go_on(id,
                           fmt::format("\r\n-- droverd was away; listening again since {} --\r\n", to_rfc3339(now())));
    });
    boost::asio::post(state_->io, [line] { line->listen(); });
}

bool Consoles::is_open(GuestId id) const { return state_->find(id) != nullptr; }

void Consoles::remove(GuestId id) {
    state_->close(id);
    state_->logs.remove(id);
}

SeatPtr Consoles::take_seat(GuestId id, const std::string& who, bool by_force) {
    const auto line = state_->find(id);
    if (!line) throw Error(ErrorKind::refused, "its console is not open", "try again in a moment");
    const std::lock_guard lock(state_->mutex);
    auto& seat = state_->seats[id];
    if (const auto taken = seat.lock(); taken && !by_force) {
        const auto& visit = taken->visit();
        throw Error(ErrorKind::refused,
                    fmt::format("{} sits at its console since {}", visit.who, to_rfc3339(visit.since)),
                    "--force takes their place");
    }
    auto mine = std::make_shared<const Seat>(id, Visit{who, now()});
    seat = mine;
    boost::asio::post(state_->io, [line, seat = mine.get()] { line->dismiss(seat); });
    return mine;
}

/// Who lost the seat meanwhile does not sit down.
void Consoles::sit_down(const SeatPtr& seat, UniqueFd visitor, const std::string& said) {
    const auto line = state_->find(seat->guest());
    if (!line) return;
    const auto guest = std::make_shared<console::Visitor>(state_->io, seat, std::move(visitor));
    boost::asio::post(state_->io, [this, line, guest, said] {
        const auto seat_now = guest->seat();
        {
            const std::lock_guard lock(state_->mutex);
            if (state_->seats[seat_now->guest()].lock() != seat_now) return guest->close();
        }
        line->receive(guest, said);
    });
}

std::optional<Visit> Consoles::visitor(GuestId id) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->seats.find(id);
    const auto seat = found == state_->seats.end() ? nullptr : found->second.lock();
    return seat ? std::optional(seat->visit()) : std::nullopt;
}

const LogStore& Consoles::logs() const { return state_->logs; }

Consoles::Figures Consoles::figures() const {
    const std::lock_guard lock(state_->mutex);
    Figures figures{.open = state_->lines.size(), .bytes = state_->bytes, .errors = state_->errors};
    for (const auto& [id, seat] : state_->seats) figures.visitors += seat.expired() ? 0 : 1;
    return figures;
}

}  // namespace drover
