#include <fmt/format.h>

#include "model/step_table.hpp"

namespace drover {
namespace {

std::string_view to_text(Run run) {
    switch (run) {
        case Run::unknown: return "host unreachable";
        case Run::off: return "not running";
        case Run::running: return "running";
        case Run::paused: return "paused";
    }
    return "";
}

std::string cell_text(std::span<const Rule> rules) {
    std::string text;
    for (const Rule& rule : rules) {
        if (!text.empty()) text += "; ";
        text += to_text(rule.step);
        if (rule.guard != Guard::always) text += fmt::format(" {}", to_text(rule.guard));
    }
    return text.empty() ? "-" : text;
}

std::string phases_text(const PhaseSet& phases) {
    std::string text;
    for (Phase phase : all_phases) {
        if (phases.contains(phase)) text += fmt::format("{}{}", text.empty() ? "" : " ", drover::to_text(phase));
    }
    return text;
}

std::string effect_text(const Correction& correction) {
    std::string text = correction.phase ? fmt::format("{}", drover::to_text(*correction.phase)) : "";
    if (correction.step != Step::none) text += drover::to_text(correction.step);
    if (correction.desired_stopped) text += "; desired becomes stopped";
    if (correction.failed) text += "; attempts + 1";
    if (correction.take_over) text += "; have from the live domain's tag";
    return text;
}

}  // namespace

std::string_view to_text(Step step) {
    switch (step) {
        case Step::none: return "none";
        case Step::build: return "build";
        case Step::copy: return "copy";
        case Step::start: return "start";
        case Step::identify: return "identify";
        case Step::park: return "park";
        case Step::adopt: return "adopt";
        case Step::resume: return "resume";
        case Step::stop: return "stop";
        case Step::press: return "press";
        case Step::force: return "force";
        case Step::retire: return "retire";
    }
    return "";
}

std::string_view to_text(Sight sight) {
    switch (sight) {
        case Sight::always: return "";
        case Sight::powered_off_itself: return "by its own orderly shutdown, wanted ready and not stale";
        case Sight::said_hello: return "and said HELLO anew";
        case Sight::estranged: return "and saying that it is not under its identity for as long as a start may take";
    }
    return "";
}

std::string_view to_text(Guard guard) {
    switch (guard) {
        case Guard::always: return "";
        case Guard::copy_owed: return "if one is owed";
        case Guard::unbuilt: return "if another overlay is wanted";
        case Guard::stale: return "if stale";
        case Guard::agreed: return "on READY";
        case Guard::answering: return "on HELLO";
        case Guard::outdated: return "if its identity changed";
        case Guard::overdue: return "on timeout";
        case Guard::first_rung: return "first";
        case Guard::second_rung: return "after one timeout";
        case Guard::last_rung: return "after two";
    }
    return "";
}

std::string print_step_table() {
    std::string text =
        "# The step table\n\nPrinted by `droverd --print-step-table` from the tables that the herd walks.\n\n"
        "First, what is seen corrects the phase; the first row that fits counts:\n\n"
        "| seen | phase | then |\n|---|---|---|\n";
    for (const CorrectionRow& row : corrections) {
        const std::string_view sight = to_text(row.sight);
        text += fmt::format("| {}{}{} | {} | {} |\n", to_text(row.run), sight.empty() ? "" : " ", sight,
                            phases_text(row.phases), effect_text(row.correction));
    }
    text +=
        "| host unreachable | any | nothing, and no step on that host |\n\n"
        "Then the table; in a cell the first step whose condition holds is taken:\n\n"
        "| phase \\ desired |";
    for (Desired desired : all_desired) text += fmt::format(" {} |", drover::to_text(desired));
    text += "\n|---|---|---|---|---|\n";
    for (Phase phase : all_phases) {
        text += fmt::format("| {} |", drover::to_text(phase));
        for (Desired desired : all_desired) text += fmt::format(" {} |", cell_text(cell_of(phase, desired)));
        text += "\n";
    }
    return text + "\nA faulted guest takes only the steps of the columns stopped and gone.\n";
}

}  // namespace drover
