#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "cli/output.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

bool went_well(const Item& item) { return item.outcome == "done" || item.outcome == "unchanged"; }

void tell(Console& console, const Operation& operation) {
    const auto good = std::count_if(operation.items.begin(), operation.items.end(), went_well);
    console.out << fmt::format("{} {} {}: {} of {}\n", operation_name(operation.id), operation.verb, operation.outcome,
                               good, guests(operation.items.size()));
    for (const auto& item : operation.items) {
        if (item.outcome == "done" || item.outcome == "pending") continue;
        console.out << fmt::format("  {} {} ({}){}{}\n", item.name, item.outcome, to_text(item.phase),
                                   item.reason.empty() ? "" : ": ", printable(item.reason));
    }
    if (!operation.finished) console.out << "follow with: drover operations " << operation_name(operation.id) << '\n';
}

}  // namespace

wire::Json outcome_of(const Operation& operation) {
    auto items = wire::operation_with_items(operation)["items"];
    for (auto& item : items) {
        for (const auto* time : {"begun", "ended"}) item.erase(time);  // `drover operations` has them
    }
    return {{"operation", operation_name(operation.id)}, {"items", items}, {"outcome", operation.outcome}};
}

int tell_outcome(Context& context, const Operation& operation) {
    context.json ? print_json(context.console, outcome_of(operation)) : tell(context.console, operation);
    const bool well = std::all_of(operation.items.begin(), operation.items.end(), went_well);
    return well || !operation.finished ? 0 : form_of(ErrorKind::failed).exit_code;
}

}  // namespace drover::cli
