#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/harmless.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

constexpr int most_boots = 99, most_lines = 1'000'000;

struct Options {
    std::string name, boot, lines;
    bool follow = false, previous = false, raw = false;
};

std::string target_of(const Options& options) {
    if (options.previous && !options.boot.empty())
        throw Error(ErrorKind::usage, "--previous and --boot say the same", "give one of them");
    wire::Parameters parameters;
    if (options.previous) parameters.emplace_back("boot", "1");
    if (!options.boot.empty())
        parameters.emplace_back("boot", std::to_string(whole_number("--boot", options.boot, 0, most_boots)));
    if (!options.lines.empty())
        parameters.emplace_back("lines", std::to_string(whole_number("--lines", options.lines, 1, most_lines)));
    if (options.follow) parameters.emplace_back("follow", "true");
    wire::decode_log_query(parameters);  // the daemon would refuse the same
    return "/v1/guests/" + wire::escape(options.name) + "/log" + wire::query_string(parameters);
}

int logs(Context& context, const Options& options) {
    Harmless harmless;
    char last = '\n';
    const auto print = [&](std::string_view piece) {
        const std::string text = options.raw ? std::string(piece) : harmless.of(piece);
        if (text.empty()) return;
        last = text.back();
        context.console.out << text << std::flush;
        if (!context.console.out) throw Error(ErrorKind::failed, "cannot write to standard output");
    };
    Client client(context.socket);
    options.follow ? client.follow(target_of(options), print) : client.stream(target_of(options), print);
    if (last != '\n' && !options.raw) context.console.out << '\n';
    return 0;
}

}  // namespace

void add_logs(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "logs", "Print what a guest wrote on its console",
                          "  drover logs alice-1 --lines 50\n"
                          "  drover logs alice-1 --previous      # up to its end, should it have crashed\n"
                          "  drover logs alice-1 --follow");
    add_text(*verb, "NAME", options->name, "", "The guest")->required();
    verb->add_flag("--follow", options->follow, "Go on with what it writes, until Ctrl-C or until it is gone");
    verb->add_flag("--previous", options->previous, "Of the start before the last: --boot 1");
    add_text(*verb, "--boot", options->boot, "N", "Of so many starts ago; 0: the last one");
    add_text(*verb, "--lines", options->lines, "N", "Only the last N lines");
    verb->add_flag("--raw", options->raw, "Byte for byte: a hostile guest's text can steer a terminal");
    on_chosen(verb, chosen, options, logs);
}

}  // namespace drover::cli
