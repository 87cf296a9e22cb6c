#include <algorithm>
#include <ostream>

#include "cli/client.hpp"
#include "cli/diagnoses.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs.hpp"

namespace drover::cli {
namespace {

struct Options {};

wire::Json ask(const std::string& socket) {
    try {
        return Client(socket).get("/v1/doctor");
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unavailable) throw;
        throw Error(error.kind(), error.what(), "look without a daemon: droverd --doctor [--config FILE]");
    }
}

int doctor(Context& context, const Options& /*none*/) {
    return print_diagnoses(context.console, ask(context.socket), context.json);
}

}  // namespace

int print_diagnoses(Console& console, const wire::Json& diagnoses, bool json) {
    const bool well = std::all_of(diagnoses.begin(), diagnoses.end(),
                                  [](const auto& diagnosis) { return field(diagnosis, "level") == "ok"; });
    if (json) {
        print_json(console, diagnoses);
    } else {
        Table table({"LEVEL", "CHECK", "MESSAGE", "WHAT TO DO"});
        for (const auto* level : {"error", "warn", "ok"}) {
            for (const auto& each : diagnoses) {
                if (field(each, "level") != level) continue;
                table.add({level, field(each, "check"), field(each, "message"), field(each, "mend")});
            }
        }
        table.print(console);
    }
    return well ? 0 : form_of(ErrorKind::failed).exit_code;
}

void add_doctor(CLI::App& app, Action& chosen) {
    auto* verb = add_verb(app, "doctor", "What on this host will bite, and how to mend it",
                          "  drover doctor\n"
                          "  drover doctor --json | jq -r '.[] | select(.level != \"ok\") | .mend'");
    on_chosen(verb, chosen, std::make_shared<Options>(), doctor);
}

}  // namespace drover::cli
