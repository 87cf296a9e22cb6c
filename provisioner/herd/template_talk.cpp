#include "herd/template_talk.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "model/error.hpp"

namespace drover {
namespace {

constexpr int turn = 100;  // ms
constexpr auto call_interval = std::chrono::seconds(5);

}  // namespace

TemplateTalk::TemplateTalk(Domains& domains, GuestId id, std::function<void()> pause)
    : domains_(domains), id_(id), pause_(std::move(pause)) {
    open();
}

void TemplateTalk::open() {
    channel_ = UniqueFd();  // QEMU serves one at a time
    channel_ = domains_.open_channel(id_);
    lines_ = control::LineReader();
    opened_ = Clock::now();
    say(control::Ping{1});
}

void TemplateTalk::say(const control::FromDaemon& message) {
    const auto text = "\n" + control::encode(message);
    if (::write(channel_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw Error(ErrorKind::failed, "its control channel takes nothing");
}

control::FromGuest TemplateTalk::await(const std::string& what, Duration patience,
                                       const std::function<bool(const control::FromGuest&)>& wanted) {
    for (const auto until = Clock::now() + patience; Clock::now() < until;) {
        pause_();
        const auto found = std::find_if(heard_.begin(), heard_.end(), wanted);
        if (found != heard_.end()) {
            auto message = *found;
            heard_.erase(heard_.begin(), std::next(found));
            return message;
        }
        heard_.clear();
        pollfd ready{.fd = channel_.get(), .events = POLLIN, .revents = 0};
        if (::poll(&ready, 1, turn) > 0) read();
        if (Clock::now() - opened_ > call_interval) open();
    }
    throw Error(ErrorKind::failed, fmt::format("no {} within {}", what, to_text(patience)));
}

void TemplateTalk::read() {
    std::array<char, control::max_line> bytes{};
    const auto n = ::read(channel_.get(), bytes.data(), bytes.size());
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return open();
    opened_ = Clock::now();
    for (const auto& line : lines_.feed({bytes.data(), static_cast<std::size_t>(n)}))
        if (auto message = control::decode_from_guest(line)) heard_.push_back(std::move(*message));
}

}  // namespace drover
