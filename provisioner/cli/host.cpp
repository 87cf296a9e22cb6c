#include <fmt/format.h>

#include <chrono>
#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
    std::string budget = "5m";
    WaitOptions wait;
};

void tell(Context& context, const wire::Json& host) {
    if (context.json) return print_json(context.console, host);
    context.console.out << fmt::format("the host is {}, {} up\n", field(host, "mode"),
                                       guests(host.value("guests_up", std::size_t{0})));
}

int show_host(Context& context, const Options& /*none*/) {
    tell(context, Client(context.socket).get("/v1/host"));
    return 0;
}

int start_host(Context& context, const Options& /*none*/) {
    tell(context, Client(context.socket).post("/v1/host/start", wire::Json::object()));
    return 0;
}

/// Until no guest is up any more; the daemon goes on without us.
int stop_host(Context& context, const Options& options) {
    constexpr auto between_looks = std::chrono::milliseconds(500);
    const auto timeout = timeout_of(options.wait);
    const auto begun = Clock::now();
    Client client(context.socket);
    auto host = client.post("/v1/host/stop", {{"budget", options.budget}});
    const bool shown = context.console.progress && !context.json;
    while (!options.wait.no_wait && host.value("guests_up", 0) > 0) {
        if (timeout != Duration{0} && Clock::now() - begun >= timeout) {
            throw Error(
                ErrorKind::timed_out,
                fmt::format("{} guests are up after {}; the work goes on", field(host, "guests_up"), to_text(timeout)),
                "drover host status");
        }
        if (shown) context.console.err << "\r\x1b[K" << field(host, "guests_up") << " guests up" << std::flush;
        client.pause(between_looks);
        host = client.get("/v1/host");
    }
    if (shown) context.console.err << "\r\x1b[K";
    tell(context, host);
    return 0;
}

}  // namespace

void add_host(CLI::App& app, Action& chosen) {
    auto* host = add_verb(app, "host", "Stop and start all guests with their host, whatever they are wanted to be",
                          "  drover host stop --budget 2m\n  drover host start");
    host->require_subcommand(1);
    auto options = std::make_shared<Options>();
    auto* stop = add_verb(*host, "stop", "Stop all guests in waves, without forgetting what they are wanted to be",
                          "  drover host stop --budget 2m");
    add_text(*stop, "--budget", options->budget, "DURATION", "Then those that still run are forced off")
        ->capture_default_str();
    add_wait_options(*stop, options->wait);
    on_chosen(stop, chosen, options, stop_host);
    auto* start = add_verb(*host, "start", "Let guests be what they were; a new boot of the host does it by itself",
                           "  drover host start");
    on_chosen(start, chosen, options, start_host);
    auto* status = add_verb(*host, "status", "Show whether guests may run, and how many do", "  drover host status");
    on_chosen(status, chosen, options, show_host);
}

}  // namespace drover::cli
