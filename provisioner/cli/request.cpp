#include <fmt/format.h>

#include <ostream>

#include "cli/output.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string count, owner, image, profile, kind, network, idempotency_key;
    bool additional = false;
    WaitOptions wait;
};

std::optional<std::string> if_given(const std::string& text) {
    return text.empty() ? std::nullopt : std::optional(text);
}

GuestRequest read_request(const Options& options) {
    GuestRequest request;
    request.count = whole_number("--count", options.count, 1, wire::max_count);
    request.owner = if_given(options.owner);
    request.image = if_given(options.image);
    request.profile = if_given(options.profile);
    if (!options.kind.empty()) request.kind = parse_kind(options.kind);
    if (!options.network.empty()) request.network = meant_network(options.network);
    request.additional = options.additional;
    // The daemon would refuse the same: the same rules, a round trip earlier.
    return wire::decode_guest_request(wire::encode(request), options.idempotency_key);
}

void tell(Context& context, const GuestReservation& reservation, const std::string& outcome) {
    auto& out = context.console.out;
    const auto operation = operation_name(reservation.operation);
    if (reservation.created.empty()) {
        out << fmt::format("nothing to do: {} already ({}); --additional makes more\n",
                           guests(reservation.existing.size()), some_of(reservation.existing));
    } else if (outcome == "running") {
        out << fmt::format("{}: {} being made: {}\nfollow with: drover operations {}\n", operation,
                           guests(reservation.created.size()), some_of(reservation.created), operation);
    } else {
        out << fmt::format("{} {}: {}: {}\n", operation, outcome, guests(reservation.created.size()),
                           some_of(reservation.created));
    }
}

void tell_failures(Context& context, const Operation& operation) {
    for (const auto& item : operation.items) {
        if (item.outcome == "done" || item.outcome == "unchanged") continue;
        context.console.err << fmt::format("{} {}: {}\n", item.name, item.outcome, printable(item.reason));
    }
}

/// What a request may end as, in the words of the answer.
std::string outcome_of(const Operation& operation) {
    return operation.outcome == "cancelled" ? "failed" : operation.outcome;
}

int request(Context& context, const Options& options) {
    const auto request = read_request(options);
    const auto timeout = timeout_of(options.wait);
    Client client(context.socket);
    const auto answer = client.post("/v1/guests", wire::encode(request), request.idempotency_key);
    const auto reservation = wire::decode_reservation(answer);
    auto outcome = field(answer, "outcome");
    if (outcome == "running" && !options.wait.no_wait) {
        const auto operation = follow(context, client, reservation.operation, timeout);
        outcome = outcome_of(operation);
        if (!context.json) tell_failures(context, operation);
    }
    context.json ? print_json(context.console, wire::encode(reservation, outcome))
                 : tell(context, reservation, outcome);
    return outcome == "done" || outcome == "running" ? 0 : form_of(ErrorKind::failed).exit_code;
}

}  // namespace

void add_request(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "request", "See that an owner has N guests",
                          "  drover request --owner alice --count 3\n"
                          "  drover request --owner alice --count 2 --additional --image debian --no-wait\n"
                          "  drover request --count 1 --idempotency-key ticket-4711 --json");
    add_text(*verb, "--count", options->count, "N", "How many guests there should be, 1-10000")->required();
    add_text(*verb, "--owner", options->owner, "NAME", "Whose guests (default: your own)");
    add_text(*verb, "--image", options->image, "NAME", "Only guests of this image; new ones get it");
    add_text(*verb, "--profile", options->profile, "NAME", "Only guests of this profile; new ones get it");
    add_text(*verb, "--kind", options->kind, "KIND", "Only guests of this kind; new ones get it: vm or container");
    add_text(*verb, "--network", options->network, "NAME",
             "Only guests of this network, as drover net names it; new ones are plugged into it");
    verb->add_flag("--additional", options->additional, "Make N more, whatever there is");
    add_text(*verb, "--idempotency-key", options->idempotency_key, "KEY",
             "A request repeated with the same key within 24 hours is one request");
    add_wait_options(*verb, options->wait);
    on_chosen(verb, chosen, options, request);
}

}  // namespace drover::cli
