#include "hooks/post_hook.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <utility>

#include "model/failpoint.hpp"
#include "model/thread.hpp"

namespace drover {
namespace {

constexpr Duration shortest_rest = std::chrono::seconds(1);
constexpr Duration busy_rest = std::chrono::seconds(10);
constexpr Duration failing_rest = std::chrono::minutes(5);
constexpr int most_events = 1000;  // in a batch

std::string note_of(const Hook& hook) { return fmt::format("{}{}", hook_note, hook.label()); }

long long number_in(const std::string& text) {
    long long number = 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// The guests that the events are about, as they are now.
std::vector<Guest> guests_of(Registry& registry, const std::vector<Event>& events, const std::set<OperationId>& waves) {
    std::set<std::string> names;
    std::set<GuestId> ids;
    for (const Event& event : events)
        if (!event.guest.empty()) names.insert(event.guest);
    for (const OperationId wave : waves)
        for (const GuestId id : registry.guests.ids_in(wave)) ids.insert(id);
    std::vector<Guest> guests;
    for (const auto& name : names)
        if (auto guest = registry.guests.named(name)) guests.push_back(std::move(*guest));
    for (const GuestId id : ids)
        if (auto guest = registry.guests.get(id)) guests.push_back(std::move(*guest));
    return guests;
}

}  // namespace

PostHook::PostHook(HookRunner& runner, Hook hook, Happening happening)
    : runner_(runner), hook_(std::move(hook)), happening_(happening), thread_([this] {
          pthread_setname_np(pthread_self(), "post-hook");
          be_nice(10);
          work();
      }) {}

PostHook::~PostHook() { thread_.join(); }

void PostHook::work() {
    do {
        try {
            if (!is_there()) {
                runner_.registry().drop_note(note_of(hook_));
                break;
            }
            round();
        } catch (const std::exception& error) {  // the registry's disk is full, or gone: later
            spdlog::warn("hook {}: {}", hook_.label(), error.what());
            rest_ = busy_rest;
        }
    } while (!runner_.ends_within(std::max(rest_, shortest_rest)));
    over_ = true;
}

bool PostHook::is_there() const {
    std::error_code error;
    return std::filesystem::symlink_status(hook_.path, error).type() != std::filesystem::file_type::not_found;
}

/// A new one begins with what happens from now on.
void PostHook::begin() {
    Registry& registry = runner_.registry();
    const auto note = registry.note(note_of(hook_));
    position_ = note ? number_in(*note) : registry.events.last();
    if (!note) registry.set_note(note_of(hook_), fmt::format("{}", *position_));
}

void PostHook::round() {
    if (!position_) begin();
    const auto batch = runner_.registry().events.happened(happening_, *position_, most_events);
    if (batch.events.empty()) {
        position_ = batch.up_to;
        rest_ = shortest_rest;
        return;
    }
    const HookEnd end = runner_.run(hook_, input_of(batch.events));
    if (end.how == HookEnd::How::ending) return;
    const bool is_told = end.how == HookEnd::How::done;
    rest_ = std::min(2 * std::max(rest_, shortest_rest), is_told ? busy_rest : failing_rest);
    if (!is_told) return;
    failpoint("hook.told");
    runner_.registry().set_note(note_of(hook_), fmt::format("{}", batch.events.back().id));
    position_ = batch.events.back().id;
}

wire::Json PostHook::input_of(const std::vector<Event>& events) const {
    Registry& registry = runner_.registry();
    auto input = hook_input(runner_.config(), hook_.event);
    std::set<OperationId> operations;
    for (const Event& event : events) {
        input["events"].push_back(wire::encode(event));
        if (event.operation) operations.insert(*event.operation);
    }
    for (const OperationId id : operations)
        input["operations"].push_back(wire::operation_listing(registry.operations.summary(id)));
    const auto waves = happening_ == Happening::wave_done ? operations : std::set<OperationId>{};
    for (const Guest& guest : guests_of(registry, events, waves))
        input["guests"].push_back(wire::guest_listing(guest, runner_.config().instance, runner_.registry().networks()));
    return input;
}

}  // namespace drover
