#include "fsck/firewall_look.hpp"

#include <fmt/format.h>

#include <regex>

#include "model/error.hpp"
#include "process/process.hpp"

namespace drover::fsck {
namespace {

using Words = std::sregex_iterator;

/// Empty where there is no such thing.
std::string listed(const std::string& nft, const std::vector<std::string>& what) {
    Command command{.argv = {nft, "-n", "list"}, .deadline = std::chrono::seconds(10), .output_limit = 64U << 20U};
    command.argv.insert(command.argv.end(), what.begin(), what.end());
    const auto outcome = run(command);
    return outcome.ok() ? outcome.output : "";
}

void take_lines(FirewallSight& firewall, const std::string& text) {
    static const std::regex line(R"re("?([a-z0-9]+-\d+)"? \. [0-9a-f:]{17})re");
    for (Words it(text.begin(), text.end(), line), end; it != end; ++it) firewall.lines.insert((*it)[1]);
}

void take_openings(FirewallSight& firewall, const std::string& text) {
    static const std::regex opening(R"(([0-9.]{7,15}) \. (\w+) \. (\d+))");
    for (Words it(text.begin(), text.end(), opening), end; it != end; ++it) {
        const std::string protocol = (*it)[2] == "6" ? "tcp" : (*it)[2] == "17" ? "udp" : (*it)[2].str();
        firewall.openings.insert(fmt::format("{} {} {}", (*it)[1].str(), protocol, (*it)[3].str()));
    }
}

}  // namespace

std::optional<FirewallSight> look_at_firewall(const std::string& nft, const std::string& instance) {
    const auto name = "drover_" + instance;
    Outcome tables;
    try {
        tables = run({.argv = {nft, "list", "tables"}, .deadline = std::chrono::seconds(10)});
    } catch (const Error&) {
        return std::nullopt;
    }
    if (!tables.ok()) return std::nullopt;
    FirewallSight firewall;
    static const std::regex table(R"(table (\w+) (drover_[a-z0-9]+))");
    int ours = 0;
    for (Words it(tables.output.begin(), tables.output.end(), table), end; it != end; ++it) {
        if ((*it)[2] == name)
            ++ours;
        else
            firewall.others.insert((*it)[2]);
    }
    firewall.table = ours == 2;
    if (!firewall.table) return firewall;
    take_lines(firewall, listed(nft, {"set", "bridge", name, "macs"}));
    for (const auto* set : {"open4", "open4_from"}) take_openings(firewall, listed(nft, {"set", "inet", name, set}));
    return firewall;
}

}  // namespace drover::fsck
