#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "model/plot.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string id;
    std::string limit = "100";
    std::string plot;
};

/// One operation comes as a list of one, so that a program reads one shape; with what it waits for.
wire::Json fetch(Context& context, const Options& options) {
    if (options.id.empty()) {
        const auto limit = whole_number("--limit", options.limit, 1, wire::max_limit);
        return Client(context.socket).get(fmt::format("/v1/operations?limit={}", limit));
    }
    const auto id = operation_name(parse_operation_name(options.id));
    return wire::Json::array({Client(context.socket).get("/v1/operations/" + id + "?outlook=true")});
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

/// Paused, it is running on.
std::string state_of(const wire::Json& operation) {
    return operation.value("paused", false) && operation.at("finished").is_null() ? "paused"
                                                                                  : field(operation, "outcome");
}

/// Its message; while it runs, what the next of its guests waits for.
std::string remark_on(const wire::Json& operation) {
    const std::string waits_for = field(operation, "waits_for");
    return waits_for.empty() ? field(operation, "message") : "waits for " + waits_for;
}

void print_table(Console& console, const wire::Json& operations) {
    if (operations.empty()) {
        console.out << "no operations\n";
        return;
    }
    Table table({"ID", "CREATED", "WHO", "VERB", "OUTCOME", "DONE", "MESSAGE"});
    for (const auto& operation : operations) {
        table.add({field(operation, "id"), field(operation, "created"), field(operation, "who"),
                   field(operation, "verb"), state_of(operation),
                   field(operation, "done") + "/" + field(operation, "total"), remark_on(operation)});
    }
    table.print(console);
    if (operations.size() == 1) print_items(console, operations[0].value("items", wire::Json::array()));
}

// ---- a picture of one ----------------------------------------------------------------------------------------------

/// How many there were over time; `times` in seconds.
Curve curve_of(std::string name, std::vector<double> times) {
    std::sort(times.begin(), times.end());
    Curve curve{.name = std::move(name), .points = {{0, 0}}};
    for (std::size_t i = 0; i < times.size(); ++i) curve.points.push_back({times[i], static_cast<double>(i + 1)});
    return curve;
}

Plot plot_of(const Operation& operation) {
    std::vector<double> begun, ended;
    const auto since = [&](Time time) { return std::chrono::duration<double>(time - operation.created).count(); };
    for (const Item& item : operation.items) {
        if (item.begun) begun.push_back(since(*item.begun));
        if (item.ended && item.outcome == "done") ended.push_back(since(*item.ended));
    }
    return {.title = fmt::format("{} {}: {} of {}", operation_name(operation.id), operation.verb, ended.size(),
                                 guests(operation.items.size())),
            .x = "seconds",
            .y = "guests",
            .curves = {curve_of("begun", std::move(begun)), curve_of("done", std::move(ended))}};
}

void draw(Context& context, const Options& options, const wire::Json& found) {
    if (options.id.empty()) throw Error(ErrorKind::usage, "--plot draws one operation: which?", "name it: o-12");
    if (!options.plot.ends_with(".svg")) {
        throw Error(ErrorKind::usage, fmt::format("--plot {}: only SVG is drawn", options.plot), "name a file.svg");
    }
    std::ofstream file(options.plot);
    file << plot_svg(plot_of(wire::decode_operation(found[0])));
    if (!file.flush()) throw Error(ErrorKind::failed, fmt::format("{} cannot be written", options.plot));
    if (!context.json) context.console.out << options.plot << " is written\n";
}

int operations(Context& context, const Options& options) {
    const auto found = fetch(context, options);
    if (!options.plot.empty()) {
        draw(context, options, found);
        if (!context.json) return 0;
    }
    context.json ? print_json(context.console, found) : print_table(context.console, found);
    return 0;
}

// ---- holding one ----------------------------------------------------------------------------------------------------

struct HoldOptions {
    std::string verb, id;
};

int hold(Context& context, const HoldOptions& options) {
    const auto id = operation_name(parse_operation_name(options.id));
    const auto found =
        Client(context.socket).post(fmt::format("/v1/operations/{}/{}", id, options.verb), wire::Json::object());
    context.json ? print_json(context.console, wire::Json::array({found}))
                 : print_table(context.console, wire::Json::array({found}));
    return 0;
}

void add_hold(CLI::App& app, Action& chosen, const std::string& name, const std::string& summary) {
    auto options = std::make_shared<HoldOptions>();
    options->verb = name;
    auto* verb = add_verb(app, name, summary, fmt::format("  drover {} o-12", name));
    add_text(*verb, "ID", options->id, "", "The operation")->required();
    on_chosen(verb, chosen, options, hold);
}

}  // namespace

void add_operations(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "operations", "List what was asked for, newest first; or show one operation",
                          "  drover operations --limit 20\n"
                          "  drover operations o-12\n"
                          "  drover operations o-12 --plot wave.svg");
    add_text(*verb, "ID", options->id, "", "One operation, with an item for each guest");
    add_text(*verb, "--limit", options->limit, "N", "At most so many")->capture_default_str();
    add_text(*verb, "--plot", options->plot, "FILE.svg", "Draw how many had begun and were done over time");
    on_chosen(verb, chosen, options, operations);
    add_hold(app, chosen, "pause", "Let no further guest of an operation begin");
    add_hold(app, chosen, "resume", "Let a paused operation go on");
    add_hold(app, chosen, "cancel", "Put back what an operation has not begun; what it has begun goes on to its end");
}

}  // namespace drover::cli
