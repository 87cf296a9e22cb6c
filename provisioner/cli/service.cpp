#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <utility>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

constexpr std::array<std::string_view, 5> verbs{"enable", "disable", "start", "stop", "restart"};

bool is_verb(const std::string& word) { return std::find(verbs.begin(), verbs.end(), word) != verbs.end(); }

struct Options {
    Chosen guests;  ///< its globs are all words: the guests, and what comes behind them
    WaitOptions wait;
};

/// What the words say: guests, then nothing or "list", or a verb and a service.
struct Said {
    Selection selection;
    std::string verb, service;  ///< empty: list
};

Said read_words(const Options& options) {
    Said said{.selection = options.guests.get(), .verb = {}, .service = {}};
    auto& words = said.selection.globs;
    const auto count = words.size();
    if (count >= 2 && is_verb(words[count - 2])) {
        said.verb = words[count - 2];
        said.service = words[count - 1];
        words.resize(count - 2);
    } else if (count >= 1 && is_verb(words[count - 1])) {
        throw Error(ErrorKind::usage, fmt::format("{} which service?", words[count - 1]),
                    "drover service NAME list tells which there are");
    } else if (count >= 1 && words[count - 1] == "list") {
        words.pop_back();
    }
    const auto& selection = said.selection;
    if (int(!words.empty()) + int(selection.owner.has_value()) + int(selection.all) == 1) return said;
    throw Error(ErrorKind::usage, "whose services? Expected exactly one of GLOB..., --owner, --all",
                "drover service alice-1 restart web");
}

/// A word that is no guest may have been meant as a verb.
wire::Json ask(Client& client, const Selection& selection) {
    try {
        return client.get("/v1/services" + wire::query_string(wire::encode_service_query(selection)));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::not_found || selection.globs.size() < 2) throw;
        throw Error(ErrorKind::not_found, error.what(),
                    fmt::format("behind the guests: list, or one of {} and a service", fmt::join(verbs, ", ")));
    }
}

int list(Context& context, Client& client, const Selection& selection) {
    const auto rows = ask(client, selection);
    if (context.json) {
        print_json(context.console, rows);
        return 0;
    }
    Table table({"GUEST", "SERVICE", "PRIORITY", "WANTED", "STATE", "SINCE"});
    for (const auto& row : rows)
        table.add({field(row, "guest"), field(row, "service"), field(row, "priority"), field(row, "wanted"),
                   field(row, "state"), field(row, "since")});
    if (rows.empty()) {
        context.console.out << "no services\n";
    } else {
        table.print(context.console);
    }
    return 0;
}

int service(Context& context, const Options& options) {
    const auto said = read_words(options);
    const auto timeout = timeout_of(options.wait);
    Client client(context.socket);
    if (said.verb.empty()) return list(context, client, said.selection);
    const auto body = wire::encode(ServiceChange{parse_service_verb(said.verb), said.service, said.selection});
    wire::decode_service_change(body);  // the same rules as the daemon's, a round trip earlier
    auto operation = wire::decode_operation(client.post("/v1/services", body));
    if (!operation.finished && !options.wait.no_wait) operation = follow(context, client, operation.id, timeout);
    return tell_outcome(context, operation);
}

int keys(Context& context, const Options& options) {
    const auto timeout = timeout_of(options.wait);
    const auto body = wire::encode(options.guests.get());
    wire::decode_key_change(body);
    Client client(context.socket);
    auto operation = wire::decode_operation(client.post("/v1/keys", body));
    if (!operation.finished && !options.wait.no_wait) operation = follow(context, client, operation.id, timeout);
    return tell_outcome(context, operation);
}

}  // namespace

void add_service(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "service", "Services of guests: list, enable, disable, start, stop, restart",
                          "  drover service alice-1\n  drover service alice-1 restart web\n"
                          "  drover service 'alice-*' disable web");
    verb->add_option(
            "GLOB", options->guests.selection.globs,
            "Names, with wildcards * ? [ ]; then list, or enable, disable, start, stop or restart and a service")
        ->type_name("");
    add_text(*verb, "--owner", options->guests.owner, "NAME", "All guests of this owner");
    verb->add_flag("--all", options->guests.selection.all, "All guests that you may see");
    add_wait_options(*verb, options->wait);
    on_chosen(verb, chosen, options, service);

    options = std::make_shared<Options>();
    verb = add_verb(app, "keys", "Have guests take their owners' ssh keys anew", "  drover keys alice-1");
    add_selection(*verb, options->guests);
    add_wait_options(*verb, options->wait);
    on_chosen(verb, chosen, options, keys);
}

}  // namespace drover::cli
