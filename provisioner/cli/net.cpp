#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    bool guests = false;
};

std::string count_of(const wire::Json& network, const char* what) {
    const auto addresses = network.find("addresses");
    return addresses == network.end() ? "" : field(*addresses, what);
}

std::string size_of(const wire::Json& network) { return fmt::to_string(network.at("guests").size()); }

std::string openings_in(const wire::Json& network) {
    std::size_t count = 0;
    for (const auto& guest : network.at("guests")) count += guest.at("openings").size();
    return fmt::to_string(count);
}

void print_networks(Context& context, const wire::Json& networks) {
    Table table({"NETWORK", "MODE", "STATE", "CIDR", "CIDR6", "BRIDGE", "GUESTS", "OPEN", "USED", "RESTING", "FREE"});
    for (const auto& network : networks)
        table.add({field(network, "name"), field(network, "mode"), field(network, "state"), field(network, "cidr"),
                   field(network, "cidr6"), field(network, "bridge"), size_of(network), openings_in(network),
                   count_of(network, "used"), count_of(network, "resting"), count_of(network, "free")});
    table.print(context.console);
    for (const auto& network : networks)
        if (const auto trouble = field(network, "trouble"); !trouble.empty())
            context.console.out << fmt::format("{}: {}\n", field(network, "name"), printable(trouble));
}

void print_guests(Context& context, const wire::Json& networks) {
    for (const auto& network : networks) {
        context.console.out << fmt::format("{} ({})\n", field(network, "name"), field(network, "mode"));
        for (const auto& guest : network.at("guests")) {
            std::string addresses;
            for (const auto& address : guest.at("addresses")) addresses += "  " + address.get<std::string>();
            std::string open;
            for (const auto& port : guest.at("openings"))
                open += (open.empty() ? "  open: " : ", ") + port.get<std::string>();
            context.console.out << fmt::format("  {:<20} {:<12} {:<9}{}{}\n", field(guest, "name"),
                                               field(guest, "owner"), field(guest, "phase"), addresses, open);
        }
    }
}

int list(Context& context, const Options& options) {
    const auto networks = Client(context.socket).get("/v1/networks");
    if (context.json)
        print_json(context.console, networks);
    else if (options.guests)
        print_guests(context, networks);
    else
        print_networks(context, networks);
    return 0;
}

void add_options(CLI::App& verb, const std::shared_ptr<Options>& options) {
    verb.add_flag("--guests", options->guests, "Which guest is where, with its addresses");
}

}  // namespace

void add_net(CLI::App& app, Action& chosen) {
    auto* family = add_verb(app, "net", "The networks of the guests, and who is where: list",
                            "  drover net\n  drover net --guests\n  drover net list --json");
    auto options = std::make_shared<Options>();
    add_options(*family, options);
    family->require_subcommand(0, 1);
    family->callback([family, &chosen, options] {  // after that of a verb below it
        if (family->get_subcommands().empty()) chosen = [options](Context& context) { return list(context, *options); };
    });
    auto listed = std::make_shared<Options>();
    auto* verb = add_verb(*family, "list", "The networks of the guests", "  drover net list --guests");
    add_options(*verb, listed);
    on_chosen(verb, chosen, listed, list);
}

}  // namespace drover::cli
