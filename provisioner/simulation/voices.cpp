#include "simulation/voices.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <thread>

#include "model/error.hpp"
#include "model/sync.hpp"
#include "simulation/choir.hpp"
#include "simulation/file_table.hpp"
#include "simulation/guest_ends.hpp"
#include "simulation/store.hpp"

namespace drover {
namespace {

struct Pair {
    explicit Pair(int type) {
        std::array<int, 2> ends{-1, -1};
        if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) < 0)
            throw Error(ErrorKind::failed, std::string("no sockets left: ") + std::strerror(errno));
        ours = UniqueFd(ends[0]);
        theirs = UniqueFd(ends[1]);
    }
    UniqueFd ours, theirs;
};

}  // namespace

struct Voices::State {
    State(std::string folder, std::function<void(GuestId)> on_stop)
        : told_to_stop(std::move(on_stop)),
          store(std::move(folder), "guest"),
          guests([this] { serve(); }),
          teller([this] { tell(); }) {}
    ~State() {
        choir.lock()->ending = true;
        wake();
        stopping.notify_one();
        guests.join();
        teller.join();
    }

    void wake() const { ::eventfd_write(waker.get(), 1); }
    bool open(GuestId id, const UniqueFd& end);
    void hang_up(Choir& held, GuestId id) const;
    void begin(Choir& held, GuestId id, const FakeGuest::Memory& memory) const;
    void serve();
    void tell();

    const std::function<void(GuestId)> told_to_stop;
    const Store store;
    const UniqueFd waker{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    const Pair hatch{SOCK_SEQPACKET};
    Synchronized<Choir> choir;
    std::condition_variable stopping;
    std::thread guests, teller;
};

/// False: too many others are being opened.
bool Voices::State::open(GuestId id, const UniqueFd& end) {
    auto held = choir.lock();
    if (!give(hatch.ours, end)) return false;
    held->deeds.emplace_back(id, LineDeed::open);
    held->voices[id];
    held->due.insert(id);
    wake();
    return true;
}

void Voices::State::hang_up(Choir& held, GuestId id) const {
    held.deeds.emplace_back(id, LineDeed::close);
    wake();
}

void Voices::State::serve() {
    pthread_setname_np(pthread_self(), "guests");
    GuestEnds({choir, stopping, store, waker, hatch.theirs}).serve();
}

/// A thread of its own, since whoever is told may need the descriptors of the process.
void Voices::State::tell() {
    pthread_setname_np(pthread_self(), "guests-stop");
    while (true) {
        GuestId id = 0;
        {
            auto held = choir.lock();
            stopping.wait(held.handle(), [&] { return held->ending || !held->stopping.empty(); });
            if (held->ending) return;
            id = held->stopping.front();
            held->stopping.pop_front();
        }
        told_to_stop(id);
    }
}

Voices::Voices(std::string folder, std::function<void(GuestId)> told_to_stop)
    : state_(std::make_unique<State>(std::move(folder), std::move(told_to_stop))) {}

Voices::~Voices() = default;

void Voices::State::begin(Choir& held, GuestId id, const FakeGuest::Memory& memory) const {
    auto& voice = held.voices[id];
    voice.guest.emplace(memory);
    store.keep(id, to_json(voice.guest->memory()));
    held.due.insert(id);
    wake();
}

void Voices::boot(GuestId id) {
    auto choir = state_->choir.lock();
    const auto& voice = choir->voices[id];
    const auto memory = voice.guest ? voice.guest->memory() : memory_of(state_->store.recall(id));
    state_->begin(*choir, id, {.host_key = memory.host_key});
}

void Voices::fork(GuestId id, bool refuses) {
    auto choir = state_->choir.lock();
    state_->begin(*choir, id, {.forkable = true, .refuses = refuses});
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
    voice->muted = true;
    state_->hang_up(*choir, id);
}

void Voices::forget(GuestId id) {
    auto choir = state_->choir.lock();
    choir->voices.erase(id);
    state_->hang_up(*choir, id);
    state_->store.forget(id);
}

void Voices::mute(GuestId id, bool muted) {
    auto choir = state_->choir.lock();
    choir->voices[id].muted = muted;
    choir->due.insert(id);
    state_->wake();
}

UniqueFd Voices::connect(GuestId id) {
    Pair line(SOCK_STREAM);
    while (!state_->open(id, line.theirs)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return std::move(line.ours);
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
