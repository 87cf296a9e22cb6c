#include "herd/acts.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "model/failpoint.hpp"

namespace drover {
namespace {

constexpr auto retry = std::chrono::seconds(1);
constexpr std::size_t longest_reason = 200;

}  // namespace

Acts::Acts(control::Sessions& sessions, Handler handler, Duration patience)
    : sessions_(sessions), handler_(std::move(handler)), patience_(patience), thread_([this] { work(); }) {
    pthread_setname_np(thread_.native_handle(), "acts");
}

Acts::~Acts() { close(); }

void Acts::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    news_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Acts::begin(Act act) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    const auto id = act.guest;
    Line& line = lines_[id];
    line.push_back({.end = {std::move(act), {}}, .until = {}});
    if (line.size() == 1) tell_first_locked(id, line);
}

void Acts::note(EndedAct ended) {
    const std::lock_guard lock(mutex_);
    ended_.push_back(std::move(ended));
    news_.notify_all();
}

/// Its time begins with its turn. One that cannot be told now is told at the guest's next word.
void Acts::tell_first_locked(GuestId id, Line& line) {
    Open& first = line.front();
    if (first.until == Clock::time_point{}) {
        first.until = Clock::now() + patience_;
        const auto limit = limits_.emplace(first.until, id).first;
        if (limit == limits_.begin()) news_.notify_all();
    }
    Act& act = first.end.act;
    first.told = sessions_.send(id, act.lines);
    if (!first.told) return;
    act.told = Clock::now();
    failpoint("act.told");
}

void Acts::end_first_locked(GuestId id, const std::string& trouble) {
    const auto found = lines_.find(id);
    Line& line = found->second;
    limits_.erase({line.front().until, id});
    line.front().end.trouble = trouble;
    line.front().end.act.answered = Clock::now();
    ended_.push_back(std::move(line.front().end));
    line.pop_front();
    news_.notify_all();
    if (line.empty())
        lines_.erase(found);
    else
        tell_first_locked(id, line);
}

bool Acts::heard(GuestId id, const control::FromGuest& message) {
    const std::lock_guard lock(mutex_);
    const auto found = lines_.find(id);
    if (closed_ || found == lines_.end()) return false;
    Open& first = found->second.front();
    if (first.told) return take_locked(id, first, message);
    if (std::holds_alternative<control::Ready>(message)) tell_first_locked(id, found->second);
    return false;
}

bool Acts::take_locked(GuestId id, Open& first, const control::FromGuest& message) {
    const Act& act = first.end.act;
    const auto* state = std::get_if<control::ServiceState>(&message);
    const auto* ok = std::get_if<control::Ok>(&message);
    const auto* err = std::get_if<control::Err>(&message);
    const bool is_hello = std::holds_alternative<control::Hello>(message);
    if (state != nullptr && state->name == act.service) first.end.status = state->status;
    const bool is_done = ok != nullptr && ok->n == act.n, is_refused = err != nullptr && err->n == act.n;
    if (is_done) end_first_locked(id, "");
    if (is_refused) end_first_locked(id, err->text.substr(0, longest_reason));
    if (is_hello) end_first_locked(id, "it started anew before it answered");
    return is_done || is_refused;
}

void Acts::lost(GuestId id, const std::string& why) {
    const std::lock_guard lock(mutex_);
    const auto found = lines_.find(id);
    if (closed_ || found == lines_.end()) return;
    limits_.erase({found->second.front().until, id});
    for (Open& open : found->second) {
        open.end.trouble = why;
        ended_.push_back(std::move(open.end));
    }
    lines_.erase(found);
    news_.notify_all();
}

void Acts::give_up_late_locked() {
    while (!limits_.empty() && limits_.begin()->first <= Clock::now()) {
        const auto id = limits_.begin()->second;
        const bool was_told = lines_.at(id).front().told;
        end_first_locked(id, was_told ? "it did not answer in time: it hangs, or its version is older than this request"
                                      : "it does not listen");
    }
}

Acts::Clock::time_point Acts::next_locked() const {
    return limits_.empty() ? Clock::now() + std::chrono::hours(1) : limits_.begin()->first;
}

bool Acts::hand_over(const std::vector<EndedAct>& ended) {
    try {
        failpoint("act.done");
        handler_(ended);
        return true;
    } catch (const std::exception& error) {
        spdlog::warn("what guests did cannot be written: {}", error.what());
        return false;
    }
}

void Acts::work() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
        give_up_late_locked();
        if (ended_.empty()) {
            news_.wait_until(lock, next_locked());
            continue;
        }
        const auto ended = std::exchange(ended_, {});
        lock.unlock();
        const bool is_done = hand_over(ended);
        lock.lock();
        if (is_done) continue;
        ended_.insert(ended_.begin(), ended.begin(), ended.end());
        news_.wait_for(lock, retry, [this] { return closed_; });
    }
}

}  // namespace drover
