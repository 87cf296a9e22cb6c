#pragma once
#include <string>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "model/requests.hpp"

namespace drover::cli {

/// How a verb waits for its operation.
struct WaitOptions {
    bool no_wait = false;
    std::string timeout = "600s";
};

/// --no-wait and --timeout.
void add_wait_options(CLI::App& verb, WaitOptions& options);

/// The timeout as given; 0 is for ever. Error{usage}.
Duration timeout_of(const WaitOptions& options);

/// What came of an operation on guests, as a program reads it: operation, items, outcome.
wire::Json outcome_of(const Operation& operation);
/// Tells it, and returns what to exit with: 0 unless the operation has ended and not with all guests.
int tell_outcome(Context& context, const Operation& operation);

/// Follows an operation to its end and returns it with its items; draws a progress bar where one can be seen. A daemon
/// that is away for a while (it restarts) is waited for. Error{timed_out} when the timeout has passed or the daemon
/// stays away, Error{interrupted} on Ctrl-C; both name the operation and say that the work goes on.
Operation follow(Context& context, Client& client, OperationId id, Duration timeout);

}  // namespace drover::cli
