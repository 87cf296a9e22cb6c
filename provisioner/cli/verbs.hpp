#pragma once
#include <CLI/CLI.hpp>

#include "cli/console.hpp"

/// One file per verb. Each call adds its verb, or family of verbs, to the command line; the one that is named there
/// puts what is to be done into `chosen`.
namespace drover::cli {

void add_request(CLI::App& app, Action& chosen);
void add_list(CLI::App& app, Action& chosen);
void add_show(CLI::App& app, Action& chosen);
/// start, stop, restart, rebuild, retire, upgrade, rollback, snapshot, restore, recover, backup, export.
void add_mass(CLI::App& app, Action& chosen);
void add_shadows(CLI::App& app, Action& chosen);
/// host stop, start, status.
void add_host(CLI::App& app, Action& chosen);
/// autostart, protect, give, lease.
void add_settings(CLI::App& app, Action& chosen);
void add_events(CLI::App& app, Action& chosen);
/// console.
void add_attach(CLI::App& app, Action& chosen);
void add_logs(CLI::App& app, Action& chosen);
void add_top(CLI::App& app, Action& chosen);
/// operations, pause, resume, cancel.
void add_operations(CLI::App& app, Action& chosen);
void add_owner(CLI::App& app, Action& chosen);
void add_image(CLI::App& app, Action& chosen);
/// open, close, openings, extend.
void add_openings(CLI::App& app, Action& chosen);
/// copies list, remove.
void add_copies(CLI::App& app, Action& chosen);
/// pool list, set, drain.
void add_net(CLI::App& app, Action& chosen);
void add_pool(CLI::App& app, Action& chosen);
/// health, health pause, resume, explain.
void add_health(CLI::App& app, Action& chosen);
/// service, keys.
void add_service(CLI::App& app, Action& chosen);
void add_passwd(CLI::App& app, Action& chosen);
void add_import(CLI::App& app, Action& chosen);
void add_fsck(CLI::App& app, Action& chosen);
void add_doctor(CLI::App& app, Action& chosen);

}  // namespace drover::cli
