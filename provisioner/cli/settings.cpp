#include <fmt/format.h>

#include <cstdio>
#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string autostart, owner, until, span;
    bool off = false;
    Chosen guests;
};

/// The daemon would refuse the same: the same rules, a round trip earlier.
wire::Json set(Context& context, const Setting& setting) {
    const auto checked = wire::decode_setting(wire::encode(setting));
    return Client(context.socket).post("/v1/settings", wire::encode(checked));
}

int tell(Context& context, const std::string& what, const wire::Json& answer) {
    if (context.json) {
        print_json(context.console, answer);
    } else {
        context.console.out << fmt::format("{}: {} changed\n", what, guests(answer["changed"].size()));
    }
    return 0;
}

int autostart(Context& context, const Options& options) {
    const Setting setting{.autostart = parse_autostart(options.autostart), .selection = options.guests.get()};
    return tell(context, "autostart " + options.autostart, set(context, setting));
}

int protect(Context& context, const Options& options) {
    const Setting setting{.is_protected = !options.off, .selection = options.guests.get()};
    return tell(context, options.off ? "not protected any more" : "protected", set(context, setting));
}

int give(Context& context, const Options& options) {
    const Setting setting{.owner = options.owner, .selection = options.guests.get()};
    return tell(context, "given to " + options.owner, set(context, setting));
}

/// Until the end of that day, as people mean it, or for so long from now.
Time end_of(const Options& options) {
    if (!options.span.empty()) return now() + parse_duration(options.span);
    int year = 0, month = 0, day = 0, used = 0;
    const bool read = std::sscanf(options.until.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) == 3;
    const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!read || static_cast<std::size_t>(used) != options.until.size() || !date.ok())
        throw Error(ErrorKind::usage, fmt::format("'{}' is no day", options.until), "write it as 2031-08-31");
    return std::chrono::sys_days(date) + std::chrono::days(1);
}

int lease(Context& context, const Options& options) {
    if (int(options.off) + int(!options.until.empty()) + int(!options.span.empty()) != 1)
        throw Error(ErrorKind::usage, "the lease takes exactly one of --until, --for, --off");
    Setting setting{.selection = options.guests.get()};
    setting.lease = options.off ? std::optional<Time>{} : end_of(options);
    return tell(context, options.off ? "lent for ever" : "lent until " + to_rfc3339(**setting.lease),
                set(context, setting));
}

}  // namespace

void add_settings(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "autostart", "Say what guests are to be when their host has booted: last, always, never",
                          "  drover autostart always alice-1\n  drover autostart never --owner bob");
    add_text(*verb, "WHAT", options->autostart, "", "last: what it was; always: ready; never: off")->required();
    add_selection(*verb, options->guests);
    on_chosen(verb, chosen, options, autostart);

    options = std::make_shared<Options>();
    verb = add_verb(app, "protect", "Have guests neither rebuilt nor retired, or let them be again",
                    "  drover protect alice-1\n  drover protect --off alice-1");
    verb->add_flag("--off", options->off, "Let them be rebuilt and retired again");
    add_selection(*verb, options->guests);
    on_chosen(verb, chosen, options, protect);

    options = std::make_shared<Options>();
    verb = add_verb(app, "give", "Make guests another owner's; they keep their names and take that one's keys",
                    "  drover give alice-1 --owner bob");
    verb->add_option("NAME", options->guests.selection.globs, "Names or globs")->required();
    add_text(*verb, "--owner", options->owner, "OWNER", "Whose they are from now on")->required();
    on_chosen(verb, chosen, options, give);

    options = std::make_shared<Options>();
    verb = add_verb(app, "lease", "Lend guests until a day: told of before, then stopped, later backed up and retired",
                    "  drover lease alice-1 --until 2031-08-31\n  drover lease --owner bob --for 1800d");
    add_text(*verb, "--until", options->until, "DAY", "Its end is the lease's");
    add_text(*verb, "--for", options->span, "TIME", "So long from now");
    verb->add_flag("--off", options->off, "For ever");
    add_selection(*verb, options->guests);
    on_chosen(verb, chosen, options, lease);
}

}  // namespace drover::cli
