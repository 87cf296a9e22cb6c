#include "simulation/guest_ends.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

#include "simulation/file_table.hpp"

namespace drover {
namespace {

// A guest that reads too slowly loses what it is told; a test that needs more than a socket's buffer would notice.
void say(const UniqueFd& line, const std::string& text) {
    if (!text.empty()) ::send(line.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

GuestEnds::GuestEnds(const Shared& shared) : shared_(shared) {
    own_file_table({shared_.waker.get(), shared_.hatch.get()});
    ready_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event waking{.events = EPOLLIN, .data = {.u64 = 0}};
    ::epoll_ctl(ready_.get(), EPOLL_CTL_ADD, shared_.waker.get(), &waking);
}

void GuestEnds::serve() {
    while (serve_due()) {
        std::array<epoll_event, 256> events{};
        const int count = ::epoll_wait(ready_.get(), events.data(), events.size(), -1);
        eventfd_t ignored = 0;
        ::eventfd_read(shared_.waker.get(), &ignored);
        for (int i = 0; i < count; ++i)
            if (events.at(i).data.u64 != 0) serve(static_cast<GuestId>(events.at(i).data.u64));
    }
}

/// False at the end.
bool GuestEnds::serve_due() {
    std::set<GuestId> due;
    {
        auto choir = shared_.choir.lock();
        if (choir->ending) return false;
        catch_up(*choir);
        due = std::exchange(choir->due, {});
    }
    for (const auto id : due) serve(id);
    return true;
}

void GuestEnds::serve(GuestId id) {
    auto choir = shared_.choir.lock();
    catch_up(*choir);
    const auto found = choir->voices.find(id);
    if (found == choir->voices.end()) return;
    if (converse(id, found->second)) {
        choir->stopping.push_back(id);
        shared_.told_to_stop.notify_one();
    }
    follow(id, found->second.listens());
}

/// So that nobody speaks on a line that was hung up before.
void GuestEnds::catch_up(Choir& choir) {
    for (const auto& [id, deed] : std::exchange(choir.deeds, {})) {
        if (deed == LineDeed::open) {
            if (auto end = take(shared_.hatch)) lines_[id].push_back({std::move(end)});
        } else {
            lines_.erase(id);
        }
    }
}

/// The guest's turn: greets, reads what there is, answers. A line goes when the other end has closed it. True: it was
/// told to stop just now.
bool GuestEnds::converse(GuestId id, Voice& voice) {
    auto& lines = lines_[id];
    while (voice.listens() && !lines.empty()) {
        auto& guest = *voice.guest;
        const auto& line = lines.front().end;
        say(line, guest.greet());
        std::array<char, 4096> bytes{};
        const auto count = ::recv(line.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        if (count < 0) break;
        if (count == 0) {
            lines.pop_front();
            continue;
        }
        const bool stopping = guest.stopping();
        const auto before = guest.memory();
        say(line, guest.hear({bytes.data(), static_cast<std::size_t>(count)}));
        if (guest.memory() != before) shared_.store.keep(id, to_json(guest.memory()));
        if (guest.stopping() && !stopping) return true;
    }
    return false;
}

/// Hears of what comes on the line that is served now.
void GuestEnds::follow(GuestId id, bool listens) {
    auto& lines = lines_[id];
    if (lines.empty() || lines.front().followed == listens) return;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = static_cast<std::uint64_t>(id)}};
    // Taken out when nobody listens: that the other end closed is told even to those who ask for nothing.
    ::epoll_ctl(ready_.get(), listens ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, lines.front().end.get(), &event);
    lines.front().followed = listens;
}

}  // namespace drover
