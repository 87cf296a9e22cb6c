#include "hooks/farewells.hpp"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "model/error.hpp"
#include "model/thread.hpp"

namespace drover {
namespace {

/// A folder that cannot be read keeps no guest.
std::vector<Hook> hooks_to_tell(const std::string& folder) {
    try {
        return hooks_at(folder, guest_retire_pre);
    } catch (const Error& error) {
        spdlog::warn("hooks: {}", error.what());
        return {};
    }
}

}  // namespace

Farewells::~Farewells() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    came_.notify_all();
    for (auto& [path, line] : lines_)
        if (line->thread.joinable()) line->thread.join();
}

bool Farewells::may_go(const Guest& guest) {
    const std::lock_guard lock(mutex_);
    if (is_new(guest)) {
        Leaving leaving{Clock::now() + runner_.config().hooks.timeout, {}};
        for (const Hook& hook : hooks_to_tell(runner_.config().hooks.folder)) {
            stand_in_line(guest, hook);
            leaving.untold.insert(hook.path);
        }
        leaving_[guest.id] = std::move(leaving);
        came_.notify_all();
    }
    const Leaving& leaving = leaving_[guest.id];
    if (!leaving.untold.empty() && Clock::now() < leaving.until) return false;
    leaving_.erase(guest.id);
    return true;
}

bool Farewells::is_new(const Guest& guest) { return !leaving_.contains(guest.id); }

void Farewells::stand_in_line(const Guest& guest, const Hook& hook) {
    auto& line = lines_[hook.path];
    if (!line) {
        line = std::make_unique<Line>(Line{hook, {}, {}});
        line->thread = std::thread([this, &line = *line] {
            pthread_setname_np(pthread_self(), "retire-hook");
            be_nice(10);
            work(line);
        });
    }
    line->waiting[guest.id] = guest;
}

void Farewells::work(Line& line) {
    std::unique_lock lock(mutex_);
    while (true) {
        came_.wait(lock, [&] { return ending_ || !line.waiting.empty(); });
        if (ending_) return;
        const auto guests = std::exchange(line.waiting, {});
        lock.unlock();
        static_cast<void>(runner_.run(line.hook, input_of(guests)));
        lock.lock();
        for (const auto& [id, guest] : guests)
            if (const auto leaving = leaving_.find(id); leaving != leaving_.end())
                leaving->second.untold.erase(line.hook.path);
    }
}

wire::Json Farewells::input_of(const std::map<GuestId, Guest>& guests) const {
    auto input = hook_input(runner_.config(), guest_retire_pre);
    std::set<OperationId> operations;
    for (const auto& [id, guest] : guests) {
        input["guests"].push_back(wire::guest_listing(guest, runner_.config().instance, runner_.registry().networks()));
        if (guest.operation) operations.insert(*guest.operation);
    }
    for (const OperationId id : operations)
        input["operations"].push_back(wire::operation_listing(runner_.registry().operations.summary(id)));
    return input;
}

}  // namespace drover
