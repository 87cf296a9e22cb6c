#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string autostart;
    Chosen guests;
};

/// The daemon would refuse the same: the same rules, a round trip earlier.
wire::AutostartRequest read_request(const Options& options) {
    const wire::AutostartRequest request{parse_autostart(options.autostart), options.guests.get()};
    return wire::decode_autostart(wire::encode(request));
}

int autostart(Context& context, const Options& options) {
    const auto answer = Client(context.socket).post("/v1/autostart", wire::encode(read_request(options)));
    if (context.json) {
        print_json(context.console, answer);
    } else {
        context.console.out << fmt::format("autostart {}: {} changed\n", field(answer, "autostart"),
                                           guests(answer["changed"].size()));
    }
    return 0;
}

}  // namespace

void add_autostart(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "autostart", "Say what guests are to be when their host has booted: last, always, never",
                          "  drover autostart always alice-1\n  drover autostart never --owner bob");
    add_text(*verb, "WHAT", options->autostart, "", "last: what it was; always: ready; never: off")->required();
    add_selection(*verb, options->guests);
    on_chosen(verb, chosen, options, autostart);
}

}  // namespace drover::cli
