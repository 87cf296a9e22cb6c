#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::vector<std::string> globs, where;
    std::string owner;
    bool gone = false;
};

/// The daemon would refuse the same: the same rules, a round trip earlier.
wire::Parameters read_query(const Options& options) {
    wire::Parameters parameters;
    for (const auto& glob : options.globs) parameters.emplace_back("glob", glob);
    if (!options.owner.empty()) parameters.emplace_back("owner", options.owner);
    if (options.gone) parameters.emplace_back("gone", "true");
    for (const auto& condition : options.where) parameters.emplace_back("where", condition);
    return wire::encode(wire::decode_list_query(parameters));
}

std::string fault_of(const wire::Json& guest) {
    const auto fault = guest.find("fault");
    if (fault == guest.end() || !fault->is_object()) return "";
    return field(*fault, "kind") + ": " + field(*fault, "message");
}

void print_table(Console& console, const wire::Json& listing) {
    if (listing.empty()) {
        console.out << "no guests\n";
        return;
    }
    Table table({"NAME", "OWNER", "PHASE", "DESIRED", "ADDRESS", "KIND", "IMAGE", "FAULT"});
    for (const auto& guest : listing) {
        table.add({field(guest, "name"), field(guest, "owner"), field(guest, "phase"), field(guest, "desired"),
                   field(guest, "address"), field(guest, "kind"), field(guest, "image"), fault_of(guest)});
    }
    table.print(console);
}

int list(Context& context, const Options& options) {
    const auto target = "/v1/guests" + wire::query_string(read_query(options));
    const auto listing = Client(context.socket).get(target);
    context.json ? print_json(context.console, listing) : print_table(context.console, listing);
    return 0;
}

}  // namespace

void add_list(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "list", "List guests",
                          "  drover list\n"
                          "  drover list 'alice-*' --where phase=ready\n"
                          "  drover list --owner alice --gone --json");
    verb->add_option("GLOB", options->globs, "Names, with wildcards * ? [ ]; none: all")->type_name("");
    add_text(*verb, "--owner", options->owner, "NAME", "Only guests of this owner");
    verb->add_flag("--gone", options->gone, "Also guests that are gone");
    add_repeated(*verb, "--where", options->where, "Only guests with this value in the listing; may be repeated")
        ->type_name("KEY=VALUE");
    on_chosen(verb, chosen, options, list);
}

}  // namespace drover::cli
