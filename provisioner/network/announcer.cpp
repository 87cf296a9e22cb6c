#include "network/announcer.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "model/error.hpp"
#include "process/process.hpp"

namespace drover {
namespace {

constexpr Duration between_looks = std::chrono::seconds(30);
constexpr auto deadline = std::chrono::seconds(10);

}  // namespace

Announcer::Announcer(RoutingPolicy policy, const std::vector<Announced>& networks,
                     std::function<void(const std::string&)> tell)
    : policy_(std::move(policy)), announcement_(announcement(policy_, networks)), tell_(std::move(tell)) {}

void Announcer::start() {
    if (announcement_.empty()) return;
    rounds_.start("routing", 10, [this] {
        round();
        return between_looks;
    });
}

void Announcer::round() {
    const auto trouble = ensure();
    if (told_ != trouble) tell_(trouble.empty() ? "FRR announces the guests' networks" : trouble);
    told_ = trouble;
}

std::string Announcer::ensure() {
    if (announcement_.empty()) return "";
    try {
        if (missing_in(vtysh({"-c", "show running-config"}), announcement_).empty()) return "";
        say(announcement_);
        const auto missing = missing_in(vtysh({"-c", "show running-config"}), announcement_);
        if (missing.empty()) return "";
        return fmt::format("FRR does not take '{}': see that its daemons for {} run", missing.front(),
                           to_text(policy_.protocol));
    } catch (const Error& error) {
        return fmt::format("FRR cannot be told of the guests' networks: {}", error.what());
    }
}

std::string Announcer::vtysh(const std::vector<std::string>& arguments) const {
    Command command{.argv = {"vtysh"}};
    if (!policy_.pathspace.empty()) command.argv.insert(command.argv.end(), {"-N", policy_.pathspace});
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.deadline = deadline;
    const Outcome outcome = run(command);
    if (outcome.ok()) return outcome.output;
    const auto said = last_line(outcome.errors.empty() ? outcome.output : outcome.errors);
    throw Error(ErrorKind::failed, fmt::format("vtysh: {}", outcome.timed_out ? "no answer in time" : said));
}

/// Line by line in one call, as somebody would type it: what one daemon does not know, another may.
void Announcer::say(const std::string& text) const {
    std::vector<std::string> arguments{"-c", "configure terminal"};
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = text.find('\n', begin);
        arguments.insert(arguments.end(), {"-c", text.substr(begin, end - begin)});
        begin = end + 1;
    }
    static_cast<void>(vtysh(arguments));
}

}  // namespace drover
