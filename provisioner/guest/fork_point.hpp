#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "control/codec.hpp"
#include "guest/port.hpp"

namespace drover::guest {

/// What a template says that waits at its fork point, and a fork of it until it is renewed. A fork that could not be
/// renewed refuses everything from then on: it would run with what others have, too. One thread.
class ForkPoint {
  public:
    /// `renew` throws when any part of the renewal failed.
    explicit ForkPoint(std::function<void(const control::Renew&)> renew) : renew_(std::move(renew)) {}

    /// What it says to whoever connects.
    [[nodiscard]] std::string state() const;
    /// The answer to one line of the daemon; none to what is not exactly right.
    std::string answer(std::string_view line);
    /// It is no template and never becomes a guest, for this reason.
    void give_up(const std::string& why) { trouble_ = why; }
    /// It is renewed: what follows is an ordinary guest's conversation.
    [[nodiscard]] bool passed() const { return passed_; }

  private:
    std::string take(const control::Renew& renew);

    std::function<void(const control::Renew&)> renew_;
    std::string trouble_;
    bool passed_ = false;
};

/// Says so, and waits until this is a fork and renewed, for ever if need be. Returns the lines that came after RENEW.
std::vector<std::string> wait_at(ForkPoint& point, Port& port);

}  // namespace drover::guest
