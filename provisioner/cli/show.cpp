#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
};

void line(Console& console, const std::string& name, const std::string& value) {
    console.out << fmt::format("{:<22}{}\n", name, value.empty() ? "-" : printable(value));
}

/// One line a field; objects get a line for each of theirs.
void print_fields(Console& console, const wire::Json& guest) {
    for (const auto& [name, value] : guest.items()) {
        if (!value.is_object()) {
            line(console, name, field(guest, name));
            continue;
        }
        for (const auto& [inner, _] : value.items()) line(console, name + " " + inner, field(value, inner));
    }
}

int show(Context& context, const Options& options) {
    const auto guest = Client(context.socket).get("/v1/guests/" + wire::escape(options.name));
    context.json ? print_json(context.console, guest) : print_fields(context.console, guest);
    return 0;
}

}  // namespace

void add_show(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "show", "Show one guest and how to get in",
                          "  drover show alice-1\n"
                          "  drover show alice-1 --json | jq -r .host_key.known_hosts >> ~/.ssh/known_hosts");
    add_text(*verb, "NAME", options->name, "", "The guest")->required();
    on_chosen(verb, chosen, options, show);
}

}  // namespace drover::cli
