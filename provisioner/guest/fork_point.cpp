#include "guest/fork_point.hpp"

#include <exception>
#include <utility>
#include <variant>

#include "guest/replies.hpp"

namespace drover::guest {

std::string ForkPoint::state() const {
    return trouble_.empty() ? control::encode(control::FromGuest(control::Forkable{})) : err(0, trouble_);
}

std::string ForkPoint::answer(std::string_view line) {
    const auto message = control::decode_from_daemon(line);
    if (!message) return "";
    const auto n = std::visit([](const auto& any) { return any.n; }, *message);
    if (!trouble_.empty()) return err(n, trouble_);
    if (const auto* renew = std::get_if<control::Renew>(&*message)) return take(*renew);
    if (std::holds_alternative<control::Ping>(*message)) return ok(n) + state();
    return err(n, "this is a template: only RENEW makes a guest of it");
}

std::string ForkPoint::take(const control::Renew& renew) try {
    trouble_ = "the renewal of this fork was cut short";
    renew_(renew);
    trouble_.clear();
    passed_ = true;
    return ok(renew.n);
} catch (const std::exception& error) {
    trouble_ = std::string("this fork could not be renewed: ") + error.what();
    return err(renew.n, trouble_);
}

std::vector<std::string> wait_at(ForkPoint& point, Port& port) {
    port.send(point.state());
    while (true) {
        auto input = port.wait(std::nullopt).value_or(Port::Input{});
        for (auto line = input.lines.begin(); line != input.lines.end(); ++line) {
            port.send(point.answer(*line));
            if (point.passed()) return {std::next(line), input.lines.end()};
        }
        if (input.connected) port.send(point.state());
    }
}

}  // namespace drover::guest
