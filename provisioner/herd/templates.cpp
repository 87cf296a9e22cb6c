#include "herd/templates.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "model/failpoint.hpp"
#include "storage/durable.hpp"

namespace drover {
namespace {

constexpr auto longest_hold = std::chrono::seconds(60);
constexpr auto first_retry = std::chrono::seconds(60);
constexpr auto longest_retry = std::chrono::hours(1);
constexpr auto retry_touch = std::chrono::seconds(5);
constexpr int most_bad_forks = 3;
constexpr long long large_wave = 4;  // fewer are up before a template is

std::string name_of(const std::string& image, const std::string& version, const std::string& profile) {
    return fmt::format("{} {} ({})", image, version.substr(0, 19), profile);
}

Duration backoff(int failures) {
    return std::min<Duration>(first_retry * (1 << std::clamp(failures - 1, 0, 10)), longest_retry);
}

/// What of it differs from what a template of the same guests needs now.
std::string difference(const std::map<std::string, std::string>& had, const std::map<std::string, std::string>& needs) {
    for (const auto& [name, value] : needs) {
        const auto found = had.find(name);
        if (found == had.end()) return name + " was not known";
        if (found->second == value) continue;
        const bool is_long = found->second.size() > 100 || value.size() > 100;
        return is_long ? name + " changed" : fmt::format("{} was '{}' and is '{}'", name, found->second, value);
    }
    return "it needs more than is known";
}

}  // namespace

std::string_view to_text(TemplateSight::Stage stage) {
    switch (stage) {
        case TemplateSight::Stage::queued: return "queued";
        case TemplateSight::Stage::making: return "making";
        case TemplateSight::Stage::ready: return "ready";
        case TemplateSight::Stage::failed: return "failed";
    }
    return "";
}

Templates::Templates(const Parts& parts, TemplateStore& store)
    : parts_(parts), store_(store), maker_(parts, store, [this] { pause(); }) {}

Templates::~Templates() { stop(); }

/// Before any guest is moved: nobody is about to use a disk that no overlay names yet.
void Templates::start(std::function<void(const std::vector<GuestId>&)> nudge) {
    nudge_ = std::move(nudge);
    store_.sweep();
    std::vector<std::string> disks;
    for (const Template& one : store_.all()) disks.push_back(one.disk);
    parts_.overlays.drop_disks(disks);
    worker_ = std::thread([this] {
        pthread_setname_np(pthread_self(), "templates");
        work();
    });
}

void Templates::stop() {
    state_.lock()->ending = true;
    news_.notify_all();
    if (worker_.joinable()) worker_.join();
}

void Templates::pause() {
    if (state_.lock()->ending) throw Ending{};
}

/// Whether the guest is one that is forked: of a version that can be, under a profile that allows it, and its disk is
/// nobody's yet.
bool Templates::may_fork(const Guest& guest) const {
    const bool is_new = guest.have.boot == 0 && guest.source == 0 && guest.keep.empty();
    return is_new && guest.kind == Kind::vm && guest.profile != cloud_profile &&
           parts_.overlays.profile(guest.profile).fork;
}

/// Whatever is wrong with its version or profile is told by the step that needs them.
std::optional<WantedTemplate> Templates::wanted_by(const Guest& guest) {
    try {
        if (!may_fork(guest)) return std::nullopt;
        return maker_.wanted(guest, guest.want);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::unavailable) throw;
        spdlog::warn("{}: what template it needs is not known: {}", guest.name, error.what());
        return std::nullopt;
    }
}

/// The entry of what is wanted, queued where it is time for a try.
Templates::Entry& Templates::enter(State& state, const WantedTemplate& wanted) {
    const auto [found, added] = state.entries.try_emplace(wanted.key, Entry{.wanted = wanted});
    Entry& entry = found->second;
    const bool again = entry.stage == Stage::failed && Clock::now() >= entry.retry_at;
    if (added || again) {
        entry.stage = Stage::queued;
        entry.began = Clock::now();
        state.queue.push_back(wanted.key);
    }
    return entry;
}

std::shared_ptr<const Template> Templates::find(const Guest& guest) {
    const auto wanted = wanted_by(guest);
    if (!wanted) return nullptr;
    auto state = state_.lock();
    const Entry& entry = enter(*state, *wanted);
    news_.notify_all();
    if (!entry.it) spdlog::info("{} boots cold: its template is {}", guest.name, to_text(entry.stage));
    return entry.it;
}

bool Templates::hold(const Guest& guest) {
    const auto wanted = wanted_by(guest);
    if (!wanted) return false;
    const bool is_there = store_.has(wanted->key);  // it is only read
    const bool many = is_there || parts_.registry.guests.count_new(guest.image, guest.profile) >= large_wave;
    auto state = state_.lock();
    Entry& entry = enter(*state, *wanted);
    news_.notify_all();
    const bool is_coming = entry.stage == Stage::queued || entry.stage == Stage::making;
    if (!many || !is_coming || Clock::now() - entry.began > longest_hold) return false;
    entry.waiting.insert(guest.id);
    return true;
}

std::string Templates::make_for(const std::string& image, const std::string& version,
                                const std::function<void()>& pause_caller) {
    const Version of = parts_.roots.version(image, version);
    const Guest guest{.image = image, .profile = of.profile, .want = {version, 1, 1}};
    if (!may_fork(guest))
        throw Error(ErrorKind::refused,
                    fmt::format("guests of '{}' with the profile '{}' are not forked", image, of.profile),
                    "a cloud image, or the profile says fork: never");
    const auto wanted = maker_.wanted(guest, guest.want);
    auto state = state_.lock();
    const auto known = state->entries.find(wanted.key);
    if (known != state->entries.end()) known->second.retry_at = {};
    enter(*state, wanted);
    news_.notify_all();
    while (true) {
        const auto found = state->entries.find(wanted.key);
        if (found == state->entries.end())
            throw Error(ErrorKind::failed,
                        fmt::format("{} was removed meanwhile", name_of(image, version, of.profile)));
        const Entry& entry = found->second;
        if (entry.stage == Stage::ready)
            return fmt::format("template of {}, {} MiB", name_of(image, version, of.profile), entry.it->bytes >> 20);
        if (entry.stage == Stage::failed) throw Error(ErrorKind::failed, "no template: " + entry.reason);
        if (state->ending) throw Error(ErrorKind::unavailable, "droverd ends");
        news_.wait_for(state.handle(), std::chrono::milliseconds(200));
        state.handle().unlock();
        pause_caller();
        state.handle().lock();
    }
}

void Templates::failed(const Guest& guest, const std::string& why) {
    parts_.registry.events.add("fork-failed", guest.name, guest.operation, why + "; it boots cold");
    spdlog::warn("{}: {}; it boots cold", guest.name, why);
    Guest as_new = guest;
    as_new.have.boot = 0;
    as_new.want.version = guest.have.version.empty() ? guest.want.version : guest.have.version;
    const auto wanted = wanted_by(as_new);
    if (!wanted) return;
    {
        auto state = state_.lock();
        const auto found = state->entries.find(wanted->key);
        if (found == state->entries.end() || found->second.stage != Stage::ready) return;
        if (++found->second.bad_forks < most_bad_forks) return;
    }
    store_.remove(wanted->key);
    settle(wanted->key, nullptr, fmt::format("{} forks in a row failed: {}", most_bad_forks, why));
}

void Templates::worked(const Guest& guest) {
    auto state = state_.lock();
    for (auto& [key, entry] : state->entries)
        if (entry.wanted.version == guest.have.version && entry.wanted.profile == guest.profile) entry.bad_forks = 0;
}

void Templates::forget(const std::string& image, const std::string& version) {
    for (const Template& one : store_.all())
        if (one.image == image && one.version == version) store_.remove(one.key);
    auto state = state_.lock();
    const auto is_of_it = [&](const auto& one) {
        return one.second.wanted.image == image && one.second.wanted.version == version;
    };
    for (auto& one : state->entries)
        if (is_of_it(one)) one.second.doomed = true;
    std::erase_if(state->entries, [&](const auto& one) { return is_of_it(one) && one.second.stage != Stage::making; });
}

std::vector<TemplateSight> Templates::list() {
    std::vector<TemplateSight> sights;
    std::set<std::string> known;
    {
        auto state = state_.lock();
        for (const auto& [key, entry] : state->entries) {
            TemplateSight& sight = sights.emplace_back(TemplateSight{.image = entry.wanted.image,
                                                                     .version = entry.wanted.version,
                                                                     .profile = entry.wanted.profile,
                                                                     .fork_point = entry.wanted.fork_point,
                                                                     .stage = entry.stage,
                                                                     .reason = entry.reason});
            known.insert(key);
            if (!entry.it) continue;
            sight.made = entry.it->made;
            sight.took = entry.it->took;
            sight.bytes = entry.it->bytes;
        }
    }
    for (const Template& one : store_.all())  // not asked for since the daemon began
        if (!known.contains(one.key))
            sights.push_back(
                {one.image, one.version, one.profile, one.fork_point, Stage::ready, one.made, one.took, one.bytes, ""});
    return sights;
}

// ---- the thread ----------------------------------------------------------------------------------------------------

void Templates::work() {
    end_leftovers();
    while (true) {
        std::string key;
        {
            auto state = state_.lock();
            news_.wait(state.handle(), [&] { return state->ending || !state->queue.empty(); });
            if (state->ending) return;
            key = state->queue.front();
            state->queue.pop_front();
        }
        try {
            perform(key);
        } catch (const Ending&) {
            return;
        } catch (const std::exception& error) {
            spdlog::error("templates: {}", error.what());
        }
    }
}

void Templates::end_leftovers() {
    while (true) {
        try {
            return maker_.end_all();
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unavailable)
                return spdlog::warn("templates: what is left of earlier ones: {}", error.what());
        }
        auto state = state_.lock();
        if (news_.wait_for(state.handle(), retry_touch, [&] { return state->ending; })) return;
    }
}

void Templates::perform(const std::string& key) {
    WantedTemplate wanted;
    {
        auto state = state_.lock();
        const auto found = state->entries.find(key);
        if (found == state->entries.end()) return;  // its version was removed meanwhile
        found->second.stage = Stage::making;
        wanted = found->second.wanted;
    }
    std::shared_ptr<const Template> it;
    std::string reason;
    try {
        it = find_or_make(wanted);
        failpoint("template.made");
    } catch (const std::exception& error) {
        reason = error.what();
    }
    settle(key, it, reason);
}

std::shared_ptr<const Template> Templates::find_or_make(const WantedTemplate& wanted) {
    const auto name = name_of(wanted.image, wanted.version, wanted.profile);
    if (store_.has(wanted.key)) {
        try {
            auto found = std::make_shared<const Template>(store_.load(wanted.key));
            spdlog::info("template of {}: as it was made", name);
            return found;
        } catch (const Error& error) {
            tell("template-dropped", fmt::format("{}: {}: made anew", name, error.what()));
            store_.remove(wanted.key);
        }
    }
    drop_unfit(wanted);
    auto made = std::make_shared<const Template>(maker_.make(wanted));
    tell("template-made", fmt::format("{}: {} MiB, in {}", name, made->bytes >> 20, to_text(made->took)));
    return made;
}

/// Others of the same guests, which nothing can be forked from any more. Forks of them go on.
void Templates::drop_unfit(const WantedTemplate& wanted) {
    for (const Template& one : store_.all()) {
        const bool same_guests =
            one.image == wanted.image && one.version == wanted.version && one.profile == wanted.profile;
        if (!same_guests || one.key == wanted.key) continue;
        tell("template-dropped", fmt::format("{}: {}: made anew", name_of(one.image, one.version, one.profile),
                                             difference(one.needs, wanted.needs)));
        store_.remove(one.key);
        state_.lock()->entries.erase(one.key);
    }
}

/// How it ended; without a template why. Those that waited go on, one way or the other.
void Templates::settle(const std::string& key, std::shared_ptr<const Template> it, const std::string& reason) {
    std::set<GuestId> waiting;
    std::string name;
    {
        auto state = state_.lock();
        const auto found = state->entries.find(key);
        if (found == state->entries.end()) return;
        Entry& entry = found->second;
        if (entry.doomed) {
            state->entries.erase(found);
            return store_.remove(key);
        }
        name = name_of(entry.wanted.image, entry.wanted.version, entry.wanted.profile);
        entry.it = std::move(it);
        entry.reason = reason;
        entry.stage = reason.empty() ? Stage::ready : Stage::failed;
        entry.failures = reason.empty() ? 0 : entry.failures + 1;
        entry.bad_forks = 0;
        entry.retry_at = Clock::now() + backoff(entry.failures);
        waiting = std::exchange(entry.waiting, {});
    }
    news_.notify_all();
    if (!reason.empty()) tell("template-failed", fmt::format("{}: {}; its guests boot cold", name, reason));
    if (nudge_) nudge_({waiting.begin(), waiting.end()});
}

void Templates::tell(const std::string& kind, const std::string& message) {
    spdlog::info("{}: {}", kind, message);
    parts_.registry.events.add(kind, "", std::nullopt, message);
}

}  // namespace drover
