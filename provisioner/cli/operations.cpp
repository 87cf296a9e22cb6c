#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string id;
    std::string limit = "100";
};

/// One operation comes as a list of one, so that a program reads one shape.
wire::Json fetch(Context& context, const Options& options) {
    if (options.id.empty()) {
        const auto limit = whole_number("--limit", options.limit, 1, wire::max_limit);
        return Client(context.socket).get(fmt::format("/v1/operations?limit={}", limit));
    }
    const auto id = operation_name(parse_operation_name(options.id));
    return wire::Json::array({Client(context.socket).get("/v1/operations/" + id)});
}

void print_items(Console& console, const wire::Json& items) {
    if (items.empty()) return;
    console.out << '\n';
    Table table({"GUEST", "OUTCOME", "PHASE", "REASON"});
    for (const auto& item : items) {
        table.add({field(item, "name"), field(item, "outcome"), field(item, "phase"), field(item, "reason")});
    }
    table.print(console);
}

void print_table(Console& console, const wire::Json& operations) {
    if (operations.empty()) {
        console.out << "no operations\n";
        return;
    }
    Table table({"ID", "CREATED", "WHO", "VERB", "OUTCOME", "DONE", "MESSAGE"});
    for (const auto& operation : operations) {
        table.add({field(operation, "id"), field(operation, "created"), field(operation, "who"),
                   field(operation, "verb"), field(operation, "outcome"),
                   field(operation, "done") + "/" + field(operation, "total"), field(operation, "message")});
    }
    table.print(console);
    if (operations.size() == 1) print_items(console, operations[0].value("items", wire::Json::array()));
}

int operations(Context& context, const Options& options) {
    const auto found = fetch(context, options);
    context.json ? print_json(context.console, found) : print_table(context.console, found);
    return 0;
}

}  // namespace

void add_operations(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "operations", "List what was asked for, newest first; or show one operation",
                          "  drover operations --limit 20\n"
                          "  drover operations o-12");
    add_text(*verb, "ID", options->id, "", "One operation, with an item for each guest");
    add_text(*verb, "--limit", options->limit, "N", "At most so many")->capture_default_str();
    on_chosen(verb, chosen, options, operations);
}

}  // namespace drover::cli
