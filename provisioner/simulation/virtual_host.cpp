#include "simulation/virtual_host.hpp"

#include <algorithm>
#include <cmath>

namespace drover {
namespace {

constexpr double instant = 1e-9;  // what is left of a job by rounding

/// Linux's average over 10 s, updated every 2 s (kernel/sched/psi.c).
double averaged(double average, double percent) {
    const double kept = std::exp(-2.0 / 10);
    return average * kept + percent * (1 - kept);
}

}  // namespace

void Share::remove(GuestId id) {
    const auto found = of_.find(id);
    if (found == of_.end()) return;
    finishes_.erase({found->second, id});
    of_.erase(found);
}

std::optional<double> Share::next() const {
    if (finishes_.empty()) return std::nullopt;
    return std::max(0.0, (finishes_.begin()->first - served_) / rate_);
}

std::optional<GuestId> Share::pop() {
    if (finishes_.empty() || finishes_.begin()->first > served_ + instant) return std::nullopt;
    const GuestId id = finishes_.begin()->second;
    remove(id);
    return id;
}

void VirtualHost::begin(GuestId id, const Work& work) {
    Job& job = jobs_[id];
    used_ += work.memory - job.used;
    job = {work, work.memory};
    disk_.add(id, work.disk);
    adjust();
}

void VirtualHost::off(GuestId id) {
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    used_ -= found->second.used;
    jobs_.erase(found);
    for (Share* share : {&disk_, &cpu_, &wait_}) share->remove(id);
    adjust();
}

std::optional<double> VirtualHost::next() const {
    std::optional<double> first;
    for (const Share* share : {&disk_, &cpu_, &wait_}) {
        const auto next = share->next();
        if (next && (!first || *next < *first)) first = next;
    }
    if (first) return now_ + *first;
    return std::nullopt;
}

std::vector<GuestId> VirtualHost::advance(double seconds) {
    for (Share* share : {&disk_, &cpu_, &wait_}) share->serve(seconds - now_);
    now_ = seconds;
    std::vector<GuestId> finished;
    while (const auto id = disk_.pop()) cpu_.add(*id, jobs_.at(*id).work.cpu);
    while (const auto id = cpu_.pop()) wait_.add(*id, jobs_.at(*id).work.wait);
    while (const auto id = wait_.pop()) {
        Job& job = jobs_.at(*id);
        used_ += job.work.remaining - job.used;
        job.used = job.work.remaining;
        finished.push_back(*id);
    }
    adjust();
    return finished;
}

/// The part of its speed that is left when more memory is used than there is.
double VirtualHost::paging() const {
    constexpr double steep = 20;
    return 1 / (1 + steep * std::max(0.0, used_ / model_.memory - 1));
}

void VirtualHost::adjust() {
    const auto reads = static_cast<double>(disk_.count());
    const auto computing = static_cast<double>(cpu_.count());
    const double cores = model_.cores;
    const double slowed = paging();
    disk_.set_rate(slowed * std::min(1.0, model_.disks / std::max(1.0, reads)) /
                   (1 + model_.seek * std::max(0.0, reads - model_.disks)));
    cpu_.set_rate(slowed * std::min(1.0, cores / std::max(1.0, computing)) /
                  (1 + model_.crowd * std::max(0.0, computing - cores)));
}

HostLoad VirtualHost::sample() {
    const bool reads = disk_.count() > 0;
    memory_full_ = averaged(memory_full_, 100 * (1 - paging()));
    io_some_ = averaged(io_some_, reads ? 100 : 0);
    io_full_ = averaged(io_full_, reads && cpu_.count() == 0 ? 100 : 0);
    return {.cores = model_.cores,
            .memory_some = memory_full_,
            .memory_full = memory_full_,
            .io_some = io_some_,
            .io_full = io_full_,
            .free_memory = static_cast<long long>(std::max(0.0, model_.memory - used_)) << 20};
}

}  // namespace drover
