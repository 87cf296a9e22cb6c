#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct NameOptions {
    std::string image, profile, kind;
};

struct SetOptions {
    NameOptions name;
    std::string stopped, parked, demand;
    std::vector<std::string> schedule;
};

struct ListOptions {};

PoolChange read_name(const NameOptions& options) {
    PoolChange change{.image = options.image};
    if (!options.profile.empty()) change.profile = options.profile;
    if (!options.kind.empty()) change.kind = parse_kind(options.kind);
    return change;
}

PoolChange read_set(const SetOptions& options) {
    constexpr long long percents = 100;
    PoolChange change = read_name(options.name);
    if (!options.stopped.empty()) change.stopped = whole_number("--stopped", options.stopped, 0, most_members);
    if (!options.parked.empty()) change.parked = whole_number("--parked", options.parked, 0, most_members);
    const bool no_demand = options.demand == "off";
    if (!options.demand.empty())
        change.demand = no_demand ? 0 : static_cast<int>(whole_number("--demand", options.demand, 1, percents));
    if (!options.schedule.empty()) change.schedule.emplace();
    for (const auto& entry : options.schedule)
        if (entry != "off" || options.schedule.size() > 1) change.schedule->push_back(parse_schedule_entry(entry));
    return change;
}

std::string level(const wire::Json& pool, const char* what) {
    const auto& state = pool.at(what);
    return fmt::format("{}/{}", field(state, "have"), field(state, "target"));
}

/// What is going on with it, in words.
std::string state_of(const wire::Json& pool) {
    std::string text = pool.value("draining", false) ? "draining" : "";
    const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ", ") + more; };
    if (pool.value("making", 0) > 0) add(fmt::format("{} being made", field(pool, "making")));
    if (pool.value("outdated", 0) > 0) add(fmt::format("{} outdated", field(pool, "outdated")));
    const auto trouble = field(pool, "trouble");
    if (trouble.empty()) return text;
    const auto& retry = pool.at("retry_in");
    const auto when = retry.is_null() ? "" : fmt::format(" (tried again in {:.0f} s)", retry.get<double>());
    add(printable(trouble) + when);
    return text;
}

void print_pools(Context& context, const wire::Json& pools) {
    if (pools.empty()) {
        context.console.out << "no pools\n";
        return;
    }
    Table table({"IMAGE", "PROFILE", "KIND", "PARKED", "STOPPED", "A MINUTE", "TAKEN", "SCHEDULE", "DEMAND", "STATE"});
    for (const auto& pool : pools) {
        const auto rate = pool.value("per_minute", 0.0);
        const auto demand = field(pool, "demand");
        table.add({field(pool, "image"), field(pool, "profile"), field(pool, "kind"), level(pool, "parked"),
                   level(pool, "stopped"), rate > 0 ? fmt::format("{:.1f}", rate) : "", field(pool, "taken"),
                   field(pool, "schedule"), demand.empty() ? "" : demand + "%", state_of(pool)});
    }
    table.print(context.console);
}

int list(Context& context, const ListOptions& /*none*/) {
    const auto pools = Client(context.socket).get("/v1/pools");
    if (context.json)
        print_json(context.console, pools);
    else
        print_pools(context, pools);
    return 0;
}

int tell(Context& context, const wire::Json& pool) {
    if (context.json)
        print_json(context.console, pool);
    else
        print_pools(context, pool.empty() ? wire::Json::array() : wire::Json::array({pool}));
    return 0;
}

int set(Context& context, const SetOptions& options) {
    const auto body = wire::encode(read_set(options));
    static_cast<void>(wire::decode_pool_change(body));  // the daemon would refuse the same
    return tell(context, Client(context.socket).post("/v1/pools", body));
}

int drain(Context& context, const NameOptions& options) {
    const auto body = wire::encode(read_name(options));
    static_cast<void>(wire::decode_pool_name(body));
    return tell(context, Client(context.socket).post("/v1/pools/drain", body));
}

void add_name(CLI::App& verb, NameOptions& name) {
    add_text(verb, "IMAGE", name.image, "", "The image of its guests")->required();
    add_text(verb, "--profile", name.profile, "NAME", "Their profile (default: the image's)");
    add_text(verb, "--kind", name.kind, "KIND", "vm (the default) or container");
}

}  // namespace

void add_pool(CLI::App& app, Action& chosen) {
    auto* family = add_verb(app, "pool", "Guests ahead of demand: list, set, drain",
                            "  drover pool set tiny --parked 10\n  drover pool list");
    family->require_subcommand(1);
    auto* verb = add_verb(*family, "list", "List pools and how full they are", "  drover pool list --json");
    on_chosen(verb, chosen, std::make_shared<ListOptions>(), list);

    auto options = std::make_shared<SetOptions>();
    verb = add_verb(*family, "set", "Say how many guests of an image stand ready",
                    "  drover pool set tiny --parked 10 --stopped 20\n"
                    "  drover pool set debian --schedule 'Mon 8:00 60' --schedule 'Mon-Fri 18:00 5'\n"
                    "  drover pool set tiny --kind container --demand 95");
    add_name(*verb, options->name);
    add_text(*verb, "--stopped", options->stopped, "N", "So many built and powered off");
    add_text(*verb, "--parked", options->parked, "N", "So many booted and paused: a request is served at once");
    add_repeated(*verb, "--schedule", options->schedule,
                 "'DAYS HH:MM N': so many parked from then on, by the host's time; off: no schedule")
        ->type_name("ENTRY");
    add_text(*verb, "--demand", options->demand, "PERCENT",
             "As many parked as serve this share of the last day's requests at once; off: not by demand");
    on_chosen(verb, chosen, options, set);

    auto drained = std::make_shared<NameOptions>();
    verb = add_verb(*family, "drain", "Send a pool's guests away, and the pool with them", "  drover pool drain tiny");
    add_name(*verb, *drained);
    on_chosen(verb, chosen, drained, drain);
}

}  // namespace drover::cli
