#include <fmt/format.h>

#include <ostream>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string file, owner;
    WaitOptions wait;
};

int import(Context& context, const Options& options) {
    const GuestImport wanted{.file = options.file, .owner = options.owner};
    const auto timeout = timeout_of(options.wait);
    Client client(context.socket);
    const auto answer = client.post("/v1/imports", wire::encode(wire::decode_import(wire::encode(wanted))));
    const auto reserved = wire::decode_reservation(answer);
    std::string outcome = "running";
    if (!options.wait.no_wait) outcome = follow(context, client, reserved.operation, timeout).outcome;
    if (context.json) {
        print_json(context.console, wire::encode(reserved, outcome));
    } else {
        context.console.out << fmt::format("{} {}: {}\n", operation_name(reserved.operation), reserved.created.front(),
                                           outcome);
    }
    return outcome == "failed" ? form_of(ErrorKind::failed).exit_code : 0;
}

}  // namespace

void add_import(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "import", "Make a guest from a file that was exported, or from a backup",
                          "  drover import /srv/alice-1.tar --owner alice");
    add_text(*verb, "FILE", options->file, "", "On the host, absolute")->required();
    add_text(*verb, "--owner", options->owner, "OWNER", "Whose it is to be")->required();
    add_wait_options(*verb, options->wait);
    on_chosen(verb, chosen, options, import);
}

}  // namespace drover::cli
