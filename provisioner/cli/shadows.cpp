#include "cli/shadows.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    Chosen guests;
    std::string to;
};

std::string short_version(const wire::Json& guest, const std::string& name) { return field(guest, name).substr(0, 19); }

void tell(Console& console, const wire::Json& guests) {
    Table table({"GUEST", "FROM", "TO", "ASKED", "HIDES"});
    for (const auto& guest : guests)
        table.add({field(guest, "name"), short_version(guest, "from"), short_version(guest, "to"),
                   field(guest, "asked"), count_shadows(guest)});
    table.print(console);
    list_shadows(console, guests);
    for (const auto& guest : guests)
        if (guest["left_out"] != 0)
            console.out << fmt::format("{}: {} more paths were not asked for\n", field(guest, "name"),
                                       field(guest, "left_out"));
}

int show(Context& context, const Options& options) {
    ShadowQuery query{options.guests.get()};
    if (!options.to.empty()) query.to = options.to;
    const auto body = wire::encode(wire::decode_shadow_query(wire::encode(query)));
    const auto guests = Client(context.socket).post("/v1/shadows", body);
    context.json ? print_json(context.console, guests) : tell(context.console, guests);
    return 0;
}

}  // namespace

std::string count_shadows(const wire::Json& guest) {
    if (!guest["unknown"].is_null()) return "?";
    const auto& shadows = guest["shadows"];
    const auto copies = std::count_if(shadows.begin(), shadows.end(),
                                      [](const auto& shadow) { return field(shadow, "how") == "copy"; });
    const auto made = static_cast<long long>(shadows.size()) - copies;
    if (copies == 0) return fmt::format("{}", made);
    return fmt::format("{}, {} {}", made, copies, copies == 1 ? "copy" : "copies");
}

void list_shadows(Console& console, const wire::Json& guests) {
    for (const auto& guest : guests) {
        const auto name = field(guest, "name");
        if (!guest["unknown"].is_null()) {
            console.out << fmt::format("{}: not known: {}\n", name, printable(field(guest, "unknown")));
            continue;
        }
        for (const auto& shadow : guest["shadows"])
            console.out << fmt::format("{}: {} ({})\n", name, printable(field(shadow, "path")),
                                       printable(field(shadow, "how")));
    }
}

void add_shadows(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "shadows", "What guests have of their own that hides what another version changes",
                          "  drover shadows --all\n  drover shadows alice-1 --to 7ead0f65");
    add_selection(*verb, options->guests);
    add_text(*verb, "--to", options->to, "VERSION",
             "Which; by default what new guests get. Of a version that a guest has: since the one before");
    on_chosen(verb, chosen, options, show);
}

}  // namespace drover::cli
