#include "hooks/runner.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "model/error.hpp"
#include "process/process.hpp"

namespace drover {
namespace {

constexpr auto grace = std::chrono::seconds(5);
constexpr std::size_t kept_output = 4096;
constexpr int cannot_run = 126, not_found = 127, signalled = 128;  // as timeout and shells tell

/// The word of a run that had its time.
HookEnd end_of(const Outcome& outcome) {
    if (outcome.ok()) return {};
    const auto last = printable_line(last_line(outcome.errors));
    if (outcome.status == cannot_run || outcome.status == not_found)
        return {HookEnd::How::failed, fmt::format("cannot be run: {}", last)};
    if (outcome.status > signalled)
        return {HookEnd::How::failed, fmt::format("was killed by signal {}", outcome.status - signalled)};
    return {HookEnd::How::no, last.empty() ? fmt::format("exit status {}", outcome.status) : last};
}

}  // namespace

HookRunner::HookRunner(const Config& config, Registry& registry)
    : config_(config), registry_(registry), ending_fd_(::eventfd(0, EFD_CLOEXEC)) {
    if (!ending_fd_) throw Error(ErrorKind::unavailable, "no descriptor for hooks", "raise the limit of open files");
}

void HookRunner::end() {
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    ended_.notify_all();
    const std::uint64_t one = 1;
    static_cast<void>(::write(ending_fd_.get(), &one, sizeof one));
}

bool HookRunner::ends_within(Duration duration) {
    std::unique_lock lock(mutex_);
    return ended_.wait_for(lock, duration, [this] { return ending_; });
}

HookEnd HookRunner::run(const Hook& hook, const wire::Json& input) {
    if (auto end = inspect(hook)) return std::move(*end);
    HookEnd end;
    try {
        end = attempt(hook, input);
    } catch (const std::exception& error) {
        end = {HookEnd::How::failed, error.what()};
    }
    if (end.how == HookEnd::How::ending) return end;
    const bool may_say_no = hook.event == request_pre;
    const bool is_fine = end.how == HookEnd::How::done || (end.how == HookEnd::How::no && may_say_no);
    if (!is_fine) meter_.failed.add();
    note(hook, failing, is_fine ? "" : end.why);
    return end;
}

HookEnd HookRunner::attempt(const Hook& hook, const wire::Json& input) {
    const auto limit = config_.hooks.timeout;
    const auto tell_line = [&](const std::string& line) { log(hook, line); };
    // `timeout` bounds it, and what it started, also when this daemon dies.
    const auto seconds = fmt::format("{:.3f}", std::chrono::duration<double>(limit + grace).count());
    const UnderWay one(meter_.under_way);
    const auto began = Spans::Clock::now();
    const Outcome outcome =
        drover::run({.argv = {"timeout", "--signal=KILL", seconds, hook.path},
                     .environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                     "LC_ALL=C.UTF-8", "DROVER_INSTANCE=" + config_.instance,
                                     "DROVER_SOCKET=" + config_.socket, "DROVER_EVENT=" + hook.event},
                     .input = wire::dump(input) + "\n",
                     .deadline = limit,
                     .output_limit = kept_output,
                     .line = tell_line,
                     .output_line = tell_line,
                     .ending = ending_fd_.get()});
    meter_.took.note(Spans::Clock::now() - began);
    if (!outcome.timed_out) return end_of(outcome);
    if (ends_within(Duration::zero())) return {HookEnd::How::ending};
    return {HookEnd::How::failed, fmt::format("did not end within {}", to_text(limit))};
}

void HookRunner::log(const Hook& hook, const std::string& line) {
    auto budgets = budgets_.lock();
    const auto text = (*budgets)[hook.path].take(line, LineBudget::Clock::now());
    if (!text.empty()) spdlog::info("hook {}: {}", hook.label(), text);
}

std::optional<HookEnd> HookRunner::inspect(const Hook& hook) {
    const auto found = distrust(hook.path);
    if (found && found->absent) return HookEnd{};
    note(hook, not_run, found ? fmt::format("{}: {}", found->why, found->mend) : "");
    if (!found) return std::nullopt;
    return HookEnd{HookEnd::How::failed, fmt::format("is not run: {}: {}", found->why, found->mend)};
}

void HookRunner::forget_others(const std::set<std::string>& paths) {
    const auto is_other = [&](const auto& entry) { return !paths.contains(entry.first); };
    auto troubles = troubles_.lock();
    std::erase_if(*troubles, is_other);
    auto budgets = budgets_.lock();
    std::erase_if(*budgets, is_other);
}

/// Tells when it begins and when it is over.
void HookRunner::note(const Hook& hook, const Trouble& sort, const std::string& why) {
    const bool begins = !why.empty();
    {
        auto troubles = troubles_.lock();
        auto& known = (*troubles)[hook.path];
        if (begins ? !known.insert(sort.begins).second : known.erase(sort.begins) == 0) return;
    }
    tell(begins ? fmt::format("{} {}: {}", hook.label(), sort.begins, why)
                : fmt::format("{} {}", hook.label(), sort.ends));
}

void HookRunner::tell(const std::string& message) {
    spdlog::warn("hook {}", message);
    try {
        registry_.events.add("hook", "", std::nullopt, message);
    } catch (const std::exception& error) {
        spdlog::error("hook {}: {}", message, error.what());
    }
}

wire::Json hook_input(const Config& config, std::string_view event) {
    return {{"event", event},
            {"instance", config.instance},
            {"guests", wire::Json::array()},
            {"events", wire::Json::array()},
            {"operations", wire::Json::array()},
            {"who", nullptr},
            {"request", nullptr}};
}

}  // namespace drover
