#include <fmt/format.h>

#include <ostream>

#include "cli/client.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {
    bool repair = false;
};

void print_findings(Console& console, const wire::Json& findings, bool repaired) {
    if (findings.empty()) {
        console.out << "clean\n";
        return;
    }
    Table table({"KIND", "OBJECT", "GUEST", "DETAIL", "REPAIR"});
    for (const auto& finding : findings) {
        table.add({field(finding, "kind"), field(finding, "object"), field(finding, "guest"), field(finding, "detail"),
                   field(finding, "repair")});
    }
    table.print(console);
    console.out << (repaired ? "repaired what can be: run drover fsck again to see\n"
                             : "mend with: drover fsck --repair\n");
}

int fsck(Context& context, const Options& options) {
    constexpr auto long_look = std::chrono::minutes(10);
    const auto findings =
        Client(context.socket).post("/v1/fsck", {{"repair", options.repair}}, "", Duration(long_look));
    context.json ? print_json(context.console, findings) : print_findings(context.console, findings, options.repair);
    return findings.empty() ? 0 : form_of(ErrorKind::failed).exit_code;
}

}  // namespace

void add_fsck(CLI::App& app, Action& chosen) {
    auto options = std::make_shared<Options>();
    auto* verb = add_verb(app, "fsck", "Hold registry, hypervisor and disk against each other",
                          "  drover fsck\n"
                          "  drover fsck --repair && echo clean");
    verb->add_flag("--repair", options->repair, "Mend what can be mended; data is moved aside, never deleted");
    on_chosen(verb, chosen, options, fsck);
}

}  // namespace drover::cli
