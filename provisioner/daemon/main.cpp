#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "config/config.hpp"
#include "daemon/daemon.hpp"
#include "model/step.hpp"

namespace {

int check_config(const std::string& file) {
    drover::read_config(file, false);
    std::cout << file << ": fine\n";
    return 0;
}

int run(int argc, char** argv) {
    CLI::App app{
        "droverd keeps a herd of virtual guests where they are wanted. Its door is a Unix socket; see drover."};
    app.set_version_flag("--version", DROVER_VERSION);
    std::string config, checked;
    bool table = false;
    app.add_option("--config", config, "configuration (default /etc/drover/drover.yaml; absent: all defaults)")
        ->envname("DROVER_CONFIG");
    app.add_option("--check-config", checked, "say all that is wrong in FILE, and exit")->type_name("FILE");
    app.add_flag("--print-step-table", table, "print the tables that move every guest, and exit");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : drover::form_of(drover::ErrorKind::usage).exit_code;
    }
    if (table) {
        std::cout << drover::print_step_table();
        return 0;
    }
    if (!checked.empty()) return check_config(checked);
    const bool default_file = config.empty();
    drover::run_daemon(drover::read_config(default_file ? "/etc/drover/drover.yaml" : config, default_file));
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
