#include "guest/serve.hpp"

#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guest/conversation.hpp"
#include "guest/fork_point.hpp"
#include "guest/port.hpp"
#include "guest/this_guest.hpp"

namespace drover::guest {
namespace {

using Clock = std::chrono::steady_clock;

/// Without a word from the daemon for so long, a guest goes on with its last identity.
constexpr std::chrono::seconds patience{10};

/// How long to wait for the daemon before going on alone.
class Patience {
  public:
    explicit Patience(bool needed) { renew(needed); }
    void renew(bool needed) { end_ = needed ? std::optional(Clock::now() + patience) : std::nullopt; }
    [[nodiscard]] std::optional<std::chrono::milliseconds> left() const {
        if (!end_) return std::nullopt;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end_ - Clock::now());
        return std::max(left, std::chrono::milliseconds(0));
    }
    [[nodiscard]] bool is_over() const { return end_ && Clock::now() >= *end_; }

  private:
    std::optional<Clock::time_point> end_;
};

void answer(Port& port, Conversation& conversation, const Port::Input& input) {
    std::string answers;
    for (const auto& line : input.lines) answers += conversation.answer(line);
    port.send(answers);
    conversation.rest();
    if (input.lost) conversation.start_anew();
    if (input.connected) port.send(conversation.state());
}

/// Waits for a word of the host, or a program that does something to a service. False: neither came in time.
bool wait_for(const Port& port, const Services& services, std::optional<std::chrono::milliseconds> timeout) {
    const auto other = services.left();
    const auto shorter = timeout && other ? std::min(timeout, other) : timeout ? timeout : other;
    std::array<pollfd, 2> events{{{port.watched(), POLLIN, 0}, {services.watched(), POLLIN, 0}}};
    const int count = poll(events.data(), events.size(), shorter ? static_cast<int>(shorter->count()) : -1);
    return count != 0;
}

/// A template stays here; a fork of it goes on. Returns what the daemon said already beyond RENEW.
std::vector<std::string> pass_fork_point(ThisGuest& guest, Port& port) {
    if (!guest.is_template()) return {};
    ForkPoint point([&](const control::Renew& renew) { guest.renew(renew); });
    try {
        guest.settle();
    } catch (const std::exception& error) {
        point.give_up(std::string("this template does not come to rest: ") + error.what());
    }
    return wait_at(point, port);
}

}  // namespace

void serve() {
    ThisGuest guest;
    Port port;
    const auto told = pass_fork_point(guest, port);
    Conversation conversation(guest);
    Patience patience_left(conversation.could_go_on());
    port.send(conversation.greeting());
    answer(port, conversation, {.lines = told});
    for (bool stopping = false; true;) {
        const bool is_news = wait_for(port, guest.services(), patience_left.left());
        port.send(guest.services().go_on());
        if (const auto input = port.wait(std::chrono::milliseconds(0))) {
            answer(port, conversation, *input);
            if (!input->lines.empty()) patience_left.renew(conversation.could_go_on());
        } else if (!is_news && patience_left.is_over()) {
            port.send(conversation.go_on());
            conversation.rest();
            patience_left.renew(false);
        }
        if (conversation.stop_asked() && !std::exchange(stopping, true)) guest.power_off();
    }
}

}  // namespace drover::guest
