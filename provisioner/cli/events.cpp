#include <fmt/format.h>

#include <iostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string since = "0";
    bool follow = false;
};

std::string target(long long since, const std::string& more) {
    return fmt::format("/v1/events?since={}&{}", since, more);
}

void print_event(Context& context, const wire::Json& event) {
    auto& out = context.console.out;
    if (context.json) {
        out << wire::dump(event) << '\n';
        return;
    }
    const auto guest = field(event, "guest");
    out << fmt::format("{} {:<6} {:<10}{}{}{}\n", field(event, "time"), field(event, "id"), field(event, "kind"),
                       guest.empty() ? "" : guest + ": ", printable(field(event, "message")),
                       field(event, "operation").empty() ? "" : " (" + field(event, "operation") + ")");
}

/// Everything there is after `since`, page by page. Returns the id of the last event.
long long print_past(Context& context, long long since) {
    constexpr std::size_t page = 1000;
    Client client(context.socket);
    for (;;) {
        const auto events = client.get(target(since, fmt::format("limit={}", page)));
        for (const auto& event : events) {
            print_event(context, event);
            since = event.at("id").get<long long>();
        }
        if (events.size() < page) return since;
    }
}

/// Until Ctrl-C, or until the daemon ends the stream.
void print_future(Context& context, long long since) {
    EventStream events([&](const std::string& data) {
        const auto event = wire::parse_answer(data);
        print_event(context, event);
        context.console.out << std::flush;
        since = event.at("id").get<long long>();
    });
    Client(context.socket).stream(target(since, "follow=true"), [&](std::string_view piece) { events.feed(piece); });
    throw Error(ErrorKind::unavailable, "the daemon ended the stream of events",
                fmt::format("go on with: drover events --follow --since {}", since));
}

int events(Context& context, const Options& options) {
    const auto since = whole_number("--since", options.since, 0, 1LL << 62);
    const auto last = print_past(context, since);
    if (options.follow) print_future(context, last);
    return 0;
}

}  // namespace

void add_events(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "events", "Print what happened, oldest first",
                          "  drover events --since 1200\n"
                          "  drover events --follow --json | jq -c 'select(.kind == \"fault\")'");
    add_text(*verb, "--since", options->since, "ID", "Only events after this id")->capture_default_str();
    verb->add_flag("--follow", options->follow, "Go on with what happens from now on, until Ctrl-C");
    on_chosen(verb, chosen, options, events);
}

}  // namespace drover::cli
