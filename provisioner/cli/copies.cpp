#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct ListOptions {
    std::vector<std::string> globs;
};

struct RemoveOptions {
    std::string guest, copy;
};

int list(Context& context, const ListOptions& options) {
    wire::Parameters parameters;
    for (const auto& glob : options.globs) parameters.emplace_back("glob", glob);
    wire::decode_copy_query(parameters);
    const auto copies = Client(context.socket).get("/v1/copies" + wire::query_string(parameters));
    if (context.json) {
        print_json(context.console, copies);
        return 0;
    }
    Table table({"GUEST", "COPY", "KIND", "MADE", "KEPT UNTIL", "MIB", "FILE"});
    for (const auto& copy : copies) {
        const auto mib = copy.value("bytes", 0LL) / double(1 << 20);
        table.add({field(copy, "guest"), field(copy, "name"), field(copy, "kind"), field(copy, "made"),
                   field(copy, "expires"), fmt::format("{:.1f}", mib), field(copy, "file")});
    }
    if (copies.empty()) {
        context.console.out << "no copies\n";
    } else {
        table.print(context.console);
    }
    return 0;
}

int remove(Context& context, const RemoveOptions& options) {
    const auto answer =
        Client(context.socket)
            .remove(fmt::format("/v1/guests/{}/copies/{}", wire::escape(options.guest), wire::escape(options.copy)));
    if (context.json) {
        print_json(context.console, answer);
    } else {
        context.console.out << fmt::format("copy {} of {} is gone\n", options.copy, options.guest);
    }
    return 0;
}

}  // namespace

void add_copies(CLI::App& app, Action& chosen) {
    auto* family = add_verb(app, "copies", "Copies of overlays, of retired guests too: list, remove",
                            "  drover copies list\n  drover copies remove alice-1 snapshot-7");
    family->require_subcommand(0, 1);
    auto listed = std::make_shared<ListOptions>();
    auto* verb = add_verb(*family, "list", "List copies", "  drover copies list 'alice-*' --json");
    verb->add_option("GLOB", listed->globs, "Of these guests; none: of all")->type_name("");
    on_chosen(verb, chosen, listed, list);

    auto removed = std::make_shared<RemoveOptions>();
    verb = add_verb(*family, "remove", "Remove a copy, with its files", "  drover copies remove alice-1 snapshot-7");
    add_text(*verb, "NAME", removed->guest, "", "The guest")->required();
    add_text(*verb, "COPY", removed->copy, "", "Its copy")->required();
    on_chosen(verb, chosen, removed, remove);
}

}  // namespace drover::cli
