#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string guest, port, lasts, source, reason;
    bool publish = false;
    std::vector<std::string> globs;
};

std::string path_of(const Options& options) {
    const auto port = parse_service_port(options.port);
    return fmt::format("/v1/guests/{}/openings/{}/{}", wire::escape(options.guest), port.port, to_text(port.protocol));
}

std::string about(const wire::Json& opening) {
    const auto seconds = static_cast<long long>(opening.value("left", 0.0));
    return seconds < 60 ? fmt::format("{}s", seconds) : fmt::format("{}h{:02}m", seconds / 3600, seconds % 3600 / 60);
}

int tell(Context& context, const wire::Json& opening) {
    if (context.json) {
        print_json(context.console, opening);
        return 0;
    }
    const auto outcome = field(opening, "outcome");
    auto& out = context.console.out;
    out << fmt::format("{} of {} {} open until {} (in {})", field(opening, "port"), field(opening, "guest"),
                       outcome == "unchanged" ? "is already" : "is", field(opening, "closes"), about(opening));
    if (const auto from = field(opening, "from"); !from.empty()) out << ", to " << from;
    if (const auto port = field(opening, "host_port"); !port.empty()) out << ", as port " << port << " of the host";
    out << '\n';
    return 0;
}

int open(Context& context, const Options& options) {
    wire::Json body{{"port", options.port}};
    if (!options.lasts.empty()) body["for"] = options.lasts;
    if (!options.source.empty()) body["from"] = options.source;
    if (!options.reason.empty()) body["reason"] = options.reason;
    if (options.publish) body["publish"] = true;
    wire::decode_opening_request(options.guest, body);  // the daemon would refuse the same
    return tell(context,
                Client(context.socket).post(fmt::format("/v1/guests/{}/openings", wire::escape(options.guest)), body));
}

int extend(Context& context, const Options& options) {
    wire::Json body = wire::Json::object();
    if (!options.lasts.empty()) body["for"] = options.lasts;
    static_cast<void>(wire::decode_extension(body));
    return tell(context, Client(context.socket).post(path_of(options), body));
}

int close(Context& context, const Options& options) {
    const auto answer = Client(context.socket).remove(path_of(options));
    if (context.json) {
        print_json(context.console, answer);
    } else {
        context.console.out << fmt::format("{} of {} is closed\n", field(answer, "port"), field(answer, "guest"));
    }
    return 0;
}

int list(Context& context, const Options& options) {
    wire::Parameters parameters;
    for (const auto& glob : options.globs) parameters.emplace_back("glob", glob);
    wire::decode_copy_query(parameters);
    const auto openings = Client(context.socket).get("/v1/openings" + wire::query_string(parameters));
    if (context.json) {
        print_json(context.console, openings);
        return 0;
    }
    Table table({"GUEST", "PORT", "FROM", "HOST PORT", "CLOSES", "IN", "WHO", "REASON"});
    for (const auto& opening : openings)
        table.add({field(opening, "guest"), field(opening, "port"), field(opening, "from"), field(opening, "host_port"),
                   field(opening, "closes"), about(opening), printable(field(opening, "who")),
                   printable(field(opening, "reason"))});
    if (openings.empty()) {
        context.console.out << "no port is open\n";
    } else {
        table.print(context.console);
    }
    return 0;
}

CLI::App* add_port_verb(CLI::App& app, const std::string& name, Options& options, const std::string& summary,
                        const std::string& examples) {
    auto* verb = add_verb(app, name, summary, examples);
    add_text(*verb, "NAME", options.guest, "", "The guest")->required();
    add_text(*verb, "PORT", options.port, "", "A port and tcp or udp: 1098/tcp")->required();
    return verb;
}

}  // namespace

void add_openings(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_port_verb(app, "open", *options, "Open a port of a guest to the outside; it closes by itself",
                               "  drover open alice-1 1098/tcp\n"
                               "  drover open alice-1 5353/udp --for 20m --from 192.168.7.0/24 --reason 'a demo'");
    add_text(*verb, "--for", options->lasts, "DURATION", "How long (default: as the site says)");
    add_text(*verb, "--from", options->source, "CIDR", "Who may come in (default: everybody)");
    add_text(*verb, "--reason", options->reason, "TEXT", "Why, for who asks");
    verb->add_flag("--publish", options->publish, "Also as a port of the host; on a nat network that is always so");
    on_chosen(verb, chosen, options, open);

    options = std::make_shared<Options>();
    verb = add_port_verb(app, "close", *options, "Close a port of a guest before its time",
                         "  drover close alice-1 1098/tcp");
    on_chosen(verb, chosen, options, close);

    options = std::make_shared<Options>();
    verb = add_port_verb(app, "extend", *options, "Have a port of a guest closed later, once",
                         "  drover extend alice-1 1098/tcp --for 30m");
    add_text(*verb, "--for", options->lasts, "DURATION", "By how much (default: as the site says)");
    on_chosen(verb, chosen, options, extend);

    options = std::make_shared<Options>();
    verb = add_verb(app, "openings", "Which ports of guests are open, and when they close",
                    "  drover openings\n  drover openings 'alice-*' --json");
    verb->add_option("GLOB", options->globs, "Of these guests (default: all)")->type_name("");
    on_chosen(verb, chosen, options, list);
}

}  // namespace drover::cli
