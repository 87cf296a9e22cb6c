#include "simulation/voices.hpp"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "model/error.hpp"
#include "model/sync.hpp"
#include "simulation/fake_guest.hpp"
#include "simulation/store.hpp"

namespace drover {
namespace {

struct Voice {
    std::optional<FakeGuest> guest;
    std::deque<UniqueFd> lines;  ///< the guest's ends; only the first is served
    bool muted = false;

    [[nodiscard]] bool listens() const { return guest && !muted && !lines.empty(); }
};

struct Choir {
    std::map<GuestId, Voice> voices;
    std::set<GuestId> due;  ///< somebody connected or it may speak again
    bool ending = false;

    // Null when it is gone or never was: what comes late leaves nothing behind.
    Voice* find(GuestId id) {
        const auto found = voices.find(id);
        return found == voices.end() ? nullptr : &found->second;
    }
};

// A guest that reads too slowly loses what it is told; a test that needs more than a socket's buffer would notice.
void say(const UniqueFd& line, const std::string& text) {
    if (!text.empty()) ::send(line.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

nlohmann::json to_json(const FakeGuest::Memory& memory) {
    return {{"boot_id", memory.boot_id}, {"host_key", memory.host_key}, {"ready", memory.ready}};
}

FakeGuest::Memory memory_of(const nlohmann::json& json) {
    if (json.is_null()) return {};
    return {json.at("boot_id"), json.at("host_key"), json.at("ready")};
}

}  // namespace

struct Voices::State {
    State(std::string folder, std::function<void(GuestId)> on_stop)
        : told_to_stop(std::move(on_stop)), store(std::move(folder), "guest"), thread([this] { work(); }) {}
    ~State() {
        choir.lock()->ending = true;
        wake();
        thread.join();
    }

    void wake() const { ::eventfd_write(waker.get(), 1); }
    void work();
    bool serve_due();
    void serve(GuestId id);
    bool converse(GuestId id, Voice& voice);
    void follow(GuestId id, Voice& voice) const;

    const std::function<void(GuestId)> told_to_stop;
    const Store store;
    const UniqueFd waker{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const UniqueFd ready{::epoll_create1(EPOLL_CLOEXEC)};
    Synchronized<Choir> choir;
    std::thread thread;
};

void Voices::State::work() {
    pthread_setname_np(pthread_self(), "guests");
    epoll_event waking{.events = EPOLLIN, .data = {.u64 = 0}};
    ::epoll_ctl(ready.get(), EPOLL_CTL_ADD, waker.get(), &waking);
    while (serve_due()) {
        std::array<epoll_event, 256> events{};
        const int count = ::epoll_wait(ready.get(), events.data(), events.size(), -1);
        eventfd_t ignored = 0;
        ::eventfd_read(waker.get(), &ignored);
        for (int i = 0; i < count; ++i)
            if (events.at(i).data.u64 != 0) serve(static_cast<GuestId>(events.at(i).data.u64));
    }
}

/// False at the end.
bool Voices::State::serve_due() {
    std::set<GuestId> due;
    {
        auto held = choir.lock();
        if (held->ending) return false;
        due = std::exchange(held->due, {});
    }
    for (const auto id : due) serve(id);
    return true;
}

void Voices::State::serve(GuestId id) {
    bool stop = false;
    {
        auto held = choir.lock();
        if (auto* voice = held->find(id)) stop = converse(id, *voice);
    }
    if (stop) told_to_stop(id);
}

/// The guest's turn: greets, reads what there is, answers. A line goes when the other end has closed it. True: it was
/// told to stop just now.
bool Voices::State::converse(GuestId id, Voice& voice) {
    while (voice.listens()) {
        auto& guest = *voice.guest;
        const auto& line = voice.lines.front();
        say(line, guest.greet());
        std::array<char, 4096> bytes{};
        const auto count = ::recv(line.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0) break;
        if (count == 0) {
            voice.lines.pop_front();
            follow(id, voice);
            continue;
        }
        const bool stopping = guest.stopping();
        const auto before = guest.memory();
        say(line, guest.hear({bytes.data(), static_cast<std::size_t>(count)}));
        if (guest.memory() != before) store.keep(id, to_json(guest.memory()));
        if (guest.stopping() && !stopping) return true;
    }
    return false;
}

/// Has the thread hear of what comes on the line that is served now.
void Voices::State::follow(GuestId id, Voice& voice) const {
    if (voice.lines.empty()) return;
    epoll_event event{.events = voice.listens() ? EPOLLIN : 0U, .data = {.u64 = static_cast<std::uint64_t>(id)}};
    const int line = voice.lines.front().get();
    if (::epoll_ctl(ready.get(), EPOLL_CTL_MOD, line, &event) != 0 && errno == ENOENT)
        ::epoll_ctl(ready.get(), EPOLL_CTL_ADD, line, &event);
}

Voices::Voices(std::string folder, std::function<void(GuestId)> told_to_stop)
    : state_(std::make_unique<State>(std::move(folder), std::move(told_to_stop))) {}

Voices::~Voices() = default;

void Voices::boot(GuestId id) {
    auto choir = state_->choir.lock();
    auto& voice = choir->voices[id];
    const auto memory = voice.guest ? voice.guest->memory() : memory_of(state_->store.recall(id));
    voice.guest.emplace(FakeGuest::Memory{.host_key = memory.host_key});
    state_->store.keep(id, to_json(voice.guest->memory()));
    choir->due.insert(id);
    state_->wake();
}

void Voices::go_on(GuestId id) {
    auto choir = state_->choir.lock();
    auto& voice = choir->voices[id];
    if (!voice.guest) voice.guest.emplace(memory_of(state_->store.recall(id)));
}

void Voices::halt(GuestId id) {
    auto choir = state_->choir.lock();
    auto* voice = choir->find(id);
    if (voice == nullptr) return;
    voice->lines.clear();
    voice->muted = true;
}

void Voices::forget(GuestId id) {
    auto choir = state_->choir.lock();
    choir->voices.erase(id);
    state_->store.forget(id);
}

void Voices::mute(GuestId id, bool muted) {
    auto choir = state_->choir.lock();
    auto& voice = choir->voices[id];
    voice.muted = muted;
    state_->follow(id, voice);
    choir->due.insert(id);
    state_->wake();
}

UniqueFd Voices::connect(GuestId id) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0)
        throw Error(ErrorKind::failed, std::string("no sockets left: ") + std::strerror(errno));
    auto choir = state_->choir.lock();
    auto& voice = choir->voices[id];
    voice.lines.emplace_back(ends[0]);
    state_->follow(id, voice);
    choir->due.insert(id);
    state_->wake();
    return UniqueFd(ends[1]);
}

bool Voices::told_to_stop(GuestId id) {
    auto choir = state_->choir.lock();
    const auto* voice = choir->find(id);
    return voice != nullptr && voice->guest && voice->guest->stopping();
}

control::Identity Voices::identity(GuestId id) {
    auto choir = state_->choir.lock();
    const auto* voice = choir->find(id);
    return voice != nullptr && voice->guest ? voice->guest->identity() : control::Identity{};
}

std::vector<std::string> Voices::authorized_keys(GuestId id) {
    auto choir = state_->choir.lock();
    const auto* voice = choir->find(id);
    return voice != nullptr && voice->guest ? voice->guest->authorized_keys() : std::vector<std::string>{};
}

}  // namespace drover
