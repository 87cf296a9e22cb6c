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
struct PauseOptions {
    std::string lasts, reason;
};
struct NoOptions {};
struct ExplainOptions {
    std::string name;
};

/// "12s", "3m20s", "1h05m".
std::string about(const wire::Json& object, const char* name) {
    const auto found = object.find(name);
    if (found == object.end() || !found->is_number()) return "";
    const auto whole = static_cast<long long>(found->get<double>());
    if (whole < 60) return fmt::format("{}s", whole);
    if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
    return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

void tell_whole(Console& console, const wire::Json& whole) {
    std::string text = "the ladder is " + field(whole, "ladder");
    if (const auto reason = field(whole, "reason"); !reason.empty()) text += ": " + printable(reason);
    if (const auto since = field(whole, "since"); !since.empty()) text += ", since " + since;
    if (const auto rest = about(whole, "ends_in"); !rest.empty()) text += ", for another " + rest;
    console.out << fmt::format("{}\n{} watched, {} silent, {} being healed\n", text, field(whole, "watched"),
                               field(whole, "silent"), field(whole, "healing"));
}

int list(Context& context, const ListOptions& options) {
    wire::Parameters parameters;
    for (const std::string& glob : options.globs) parameters.emplace_back("glob", glob);
    const auto health = Client(context.socket).get("/v1/health" + wire::query_string(parameters));
    if (context.json) {
        print_json(context.console, health);
        return 0;
    }
    tell_whole(context.console, health);
    Table table({"GUEST", "STATE", "LAST WORD", "SILENT FOR", "TRIES", "NEXT"});
    for (const auto& guest : health.at("guests"))
        table.add({field(guest, "guest"), field(guest, "state"), field(guest, "heard"), about(guest, "silence"),
                   field(guest, "tries"), printable(field(guest, "next"))});
    if (!health.at("guests").empty()) table.print(context.console);
    return 0;
}

int tell(Context& context, const wire::Json& whole) {
    context.json ? print_json(context.console, whole) : tell_whole(context.console, whole);
    return 0;
}

int pause(Context& context, const PauseOptions& options) {
    wire::PauseOrder order{.lasts = {}, .reason = options.reason};
    if (!options.lasts.empty()) order.lasts = parse_duration(options.lasts);
    const auto body = wire::encode(order);
    static_cast<void>(wire::decode_pause(body));  // the daemon would refuse the same
    return tell(context, Client(context.socket).post("/v1/health/pause", body));
}

int resume(Context& context, const NoOptions& /*none*/) {
    return tell(context, Client(context.socket).post("/v1/health/resume", wire::Json::object()));
}

int explain(Context& context, const ExplainOptions& options) {
    const auto story = Client(context.socket).get("/v1/guests/" + wire::escape(options.name) + "/health");
    if (context.json) {
        print_json(context.console, story);
        return 0;
    }
    auto& out = context.console.out;
    out << fmt::format("{} is {}", field(story, "guest"), field(story, "state"));
    if (const auto heard = field(story, "heard"); !heard.empty()) out << ", its last word came " << heard;
    if (const auto silence = about(story, "silence"); !silence.empty()) out << fmt::format(", {} ago", silence);
    out << fmt::format("\nnext: {}\ntries that count: {}", printable(field(story, "next")), field(story, "tries"));
    if (const auto rest = about(story, "tries_forgotten_in"); !rest.empty())
        out << fmt::format(", the first is forgotten in {}", rest);
    out << '\n';
    for (const auto& decision : story.at("decisions"))
        out << fmt::format("{}  {}\n", field(decision, "time"), printable(field(decision, "text")));
    return 0;
}

}  // namespace

void add_health(CLI::App& app, Action& chosen) {
    auto* family =
        add_verb(app, "health", "How guests are, what was done for them and why: list, pause, resume, explain",
                 "  drover health 'alice-*'\n  drover health explain alice-1\n"
                 "  drover health pause --for 2h --reason 'the switch is being replaced'");
    auto options = std::make_shared<ListOptions>();
    family->add_option("GLOB", options->globs, "Guests by name (default: all)")->type_name("");
    family->require_subcommand(0, 1);
    family->callback([family, &chosen, options] {  // after that of a verb below it
        if (family->get_subcommands().empty()) chosen = [options](Context& context) { return list(context, *options); };
    });

    auto paused = std::make_shared<PauseOptions>();
    auto* verb = add_verb(*family, "pause", "No silent guest is restarted for now", "  drover health pause --for 2h");
    add_text(*verb, "--for", paused->lasts, "DURATION", "It resumes by itself then (default: when somebody says so)");
    add_text(*verb, "--reason", paused->reason, "TEXT", "Why, for who asks");
    on_chosen(verb, chosen, paused, pause);

    verb = add_verb(*family, "resume", "Silent guests are restarted again", "  drover health resume");
    on_chosen(verb, chosen, std::make_shared<NoOptions>(), resume);

    auto explained = std::make_shared<ExplainOptions>();
    verb = add_verb(*family, "explain", "Why a guest was or was not acted on", "  drover health explain alice-1");
    add_text(*verb, "NAME", explained->name, "", "The guest")->required();
    on_chosen(verb, chosen, explained, explain);
}

}  // namespace drover::cli
