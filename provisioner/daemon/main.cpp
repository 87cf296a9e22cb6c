#include <CLI/CLI.hpp>
#include <cstdlib>
#include <iostream>

#include "cli/diagnoses.hpp"
#include "config/config.hpp"
#include "daemon/daemon.hpp"
#include "doctor/doctor.hpp"
#include "model/failpoint.hpp"
#include "model/step.hpp"
#include "network/host_view.hpp"

namespace {

int check_config(const std::string& file) {
    const auto config = drover::read_config(file, false);
    std::vector<drover::ConfigError> wrong;
    for (const auto& why : drover::conflicts_here(config)) wrong.push_back({0, why});
    if (!wrong.empty()) throw drover::ConfigErrors(file, std::move(wrong));
    std::cout << file << ": fine\n";
    return 0;
}

int list_failpoints() {
    for (const auto name : drover::failpoint_names()) std::cout << name << "\n";
    return 0;
}

/// What only tests may ask for is refused on a machine that serves people.
void arm_failpoint(const drover::Config& config) {
    const char* wanted = std::getenv("DROVER_FAILPOINT");
    if (wanted == nullptr) return;
    if (!config.testing.enabled)
        throw drover::Error(drover::ErrorKind::usage, "DROVER_FAILPOINT is refused unless testing.enabled is true",
                            "unset it");
    drover::arm_failpoint(wanted);
}

/// The look of `drover doctor`, from outside of any daemon.
int examine(const drover::Config& config, bool json) {
    drover::cli::Console console{std::cin, std::cout, std::cerr};
    return drover::cli::print_diagnoses(console, drover::wire::encode(drover::Doctor(config).run()), json);
}

int run(int argc, char** argv) {
    CLI::App app{
        "droverd keeps a herd of virtual guests where they are wanted. Its door is a Unix socket; see drover."};
    app.set_version_flag("--version", DROVER_VERSION);
    std::string config, checked;
    bool table = false, failpoints = false, doctor = false, json = false;
    app.add_option("--config", config, "configuration (default /etc/drover/drover.yaml; absent: all defaults)")
        ->envname("DROVER_CONFIG");
    app.add_option("--check-config", checked, "say all that is wrong in FILE, and exit")->type_name("FILE");
    app.add_flag("--print-step-table", table, "print the tables that move every guest, and exit");
    app.add_flag("--list-failpoints", failpoints, "print where DROVER_FAILPOINT=NAME[:K] can end the daemon, and exit");
    auto* doctor_flag = app.add_flag("--doctor", doctor, "say what on this host will bite, and exit");
    app.add_flag("--json", json, "with --doctor: for programs")->needs(doctor_flag);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : drover::form_of(drover::ErrorKind::usage).exit_code;
    }
    if (table) {
        std::cout << drover::print_step_table();
        return 0;
    }
    if (failpoints) return list_failpoints();
    if (!checked.empty()) return check_config(checked);
    const bool default_file = config.empty();
    const auto settings = drover::read_config(default_file ? "/etc/drover/drover.yaml" : config, default_file);
    arm_failpoint(settings);
    if (doctor) return examine(settings, json);
    drover::run_daemon(settings);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const drover::Error& error) {
        std::cerr << "droverd: " << error.what() << "\n";
        if (!error.hint().empty()) std::cerr << "  " << error.hint() << "\n";
        return drover::form_of(error.kind()).exit_code;
    } catch (const std::exception& error) {
        std::cerr << "droverd: " << error.what() << "\n";
        return 1;
    }
}
