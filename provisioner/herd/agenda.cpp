#include "herd/agenda.hpp"

namespace drover {

void Agenda::add(GuestId id) {
    const std::lock_guard lock(mutex_);
    add_locked(id);
}

void Agenda::add_at(GuestId id, Clock::time_point when) {
    const std::lock_guard lock(mutex_);
    set_alarm_locked(id, when);
}

void Agenda::add_by(GuestId id, Clock::time_point when) {
    const std::lock_guard lock(mutex_);
    if (when <= Clock::now()) return add_locked(id);
    const auto old = alarm_of_.find(id);
    if (old == alarm_of_.end() || old->second > when) set_alarm_locked(id, when);
}

std::optional<GuestId> Agenda::take() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
        ring_locked(Clock::now());
        if (!due_.empty()) {
            const GuestId id = due_.front();
            due_.pop_front();
            waiting_.erase(id);
            busy_.insert(id);
            if (first_alarm_locked() < watched_) news_.notify_one();  // who watched it may be who leaves with this
            return id;
        }
        wait(lock);
    }
    return std::nullopt;
}

/// One thread watches the first alarm; the others wait for news alone, so that an alarm wakes one of them.
void Agenda::wait(std::unique_lock<std::mutex>& lock) {
    const auto first = first_alarm_locked();
    if (first >= watched_) return news_.wait(lock);
    watched_ = first;
    news_.wait_until(lock, first);
    if (watched_ == first) watched_ = Clock::time_point::max();  // else another watches an earlier one
}

Agenda::Clock::time_point Agenda::first_alarm_locked() const {
    return alarms_.empty() ? Clock::time_point::max() : alarms_.begin()->first;
}

void Agenda::done(GuestId id) {
    const std::lock_guard lock(mutex_);
    busy_.erase(id);
    if (again_.erase(id) > 0) add_locked(id);
}

void Agenda::close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    news_.notify_all();
}

void Agenda::add_locked(GuestId id) {
    if (busy_.contains(id)) {
        again_.insert(id);
    } else if (waiting_.insert(id).second) {
        due_.push_back(id);
        news_.notify_one();
    }
}

void Agenda::set_alarm_locked(GuestId id, Clock::time_point when) {
    if (const auto old = alarm_of_.find(id); old != alarm_of_.end()) alarms_.erase({old->second, id});
    alarm_of_[id] = when;
    const auto set = alarms_.emplace(when, id).first;
    if (set == alarms_.begin()) news_.notify_one();  // the others are waited for already
}

void Agenda::ring_locked(Clock::time_point now) {
    while (!alarms_.empty() && alarms_.begin()->first <= now) {
        const GuestId id = alarms_.begin()->second;
        alarms_.erase(alarms_.begin());
        alarm_of_.erase(id);
        add_locked(id);
    }
}

}  // namespace drover
