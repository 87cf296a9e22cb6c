#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "cli/backup.hpp"
#include "cli/output.hpp"
#include "cli/shadows.hpp"
#include "cli/verbs.hpp"
#include "cli/wait.hpp"

namespace drover::cli {
namespace {

struct Options {
    Verb verb = Verb::start;
    Chosen guests;
    std::string wave, to, settle, shadows, copy, file, registry;
    std::vector<std::string> canaries, keep;
    bool yes = false, plan = false, with_snapshot = false, purge = false;
    WaitOptions wait;
};

WavePolicy wave_of(const std::string& text) {
    try {
        return parse_wave_policy(text);
    } catch (const Error& error) {
        throw error.within("--wave");
    }
}

/// The daemon would refuse the same: the same rules, a round trip earlier.
Change read_change(const Options& options) {
    Change change{options.verb, options.guests.get()};
    if (!options.wave.empty()) change.wave = wave_of(options.wave);
    change.plan = options.plan;
    if (!options.to.empty()) change.to = options.to;
    change.canaries = options.canaries;
    if (!options.shadows.empty()) change.shadows = parse_shadow_policy(options.shadows);
    const std::string settle = options.settle.empty() && !options.canaries.empty() ? "30s" : options.settle;
    if (!settle.empty()) change.settle = parse_duration(settle);
    change.with_snapshot = options.with_snapshot;
    change.copy = options.copy;
    change.file = options.file;
    change.keep = options.keep;
    change.purge = options.purge;
    return wire::decode_change(wire::encode(change));
}

/// Verbs that nobody shall say by mistake.
bool destroys(Verb verb) { return verb == Verb::rebuild || verb == Verb::restore || verb == Verb::retire; }

std::string meant(const Selection& selection) {
    if (selection.all) return "all guests";
    return selection.owner ? "all guests of " + *selection.owner : some_of(selection.globs);
}

/// Data that is gone is gone: somebody must have meant it.
void confirm(Console& console, const Change& change, bool yes) {
    if (!destroys(change.verb) || yes || change.plan) return;
    const bool is_kept = change.verb == Verb::retire && !change.purge;
    const auto what = fmt::format("{} {} {}", to_text(change.verb), meant(change.selection),
                                  is_kept ? "takes them away" : "destroys data");
    if (!console.interactive) throw Error(ErrorKind::usage, what + ": not done without --yes", "add --yes");
    console.err << what << ". Go on? [y/N] " << std::flush;
    std::string answer;
    std::getline(console.in, answer);
    if (answer != "y" && answer != "yes") throw Error(ErrorKind::refused, "not confirmed, nothing done");
}

/// "12s", "3m20s", "1h05m"; as exact as a forecast is.
std::string about(const wire::Json& seconds) {
    if (!seconds.is_number()) return "";
    const auto whole = static_cast<long long>(std::ceil(seconds.get<double>()));
    if (whole < 60) return fmt::format("{}s", whole);
    if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
    return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
}

void tell_plan(Console& console, const wire::Json& plan) {
    if (plan["guests"].empty()) {
        console.out << "nothing to do\n";
        return;
    }
    const bool changes_version = plan["guests"].front().contains("shadows");
    std::vector<std::string> heading{"GUEST", "BEGINS AFTER", "IS THERE AFTER"};
    if (changes_version) heading.emplace_back("HIDES");
    Table table(heading);
    for (const auto& guest : plan["guests"]) {
        std::vector<std::string> row{field(guest, "name"), about(guest["begin"]), about(guest["end"])};
        if (changes_version) row.push_back(count_shadows(guest));
        table.add(row);
    }
    table.print(console);
    if (changes_version) list_shadows(console, plan["guests"]);
    const auto end = about(plan["ends_in"]);
    console.out << fmt::format("{} {}: {}; nothing was changed\n", field(plan, "verb"), guests(plan["guests"].size()),
                               end.empty() ? "nobody knows how long" : "about " + end);
}

int tell_what_would_be(Context& context, Client& client, const Change& change) {
    const auto plan = client.post("/v1/changes", wire::encode(change));
    context.json ? print_json(context.console, plan) : tell_plan(context.console, plan);
    return 0;
}

int change(Context& context, const Options& options) {
    if (!options.registry.empty()) return keep_registry(context, options.registry);
    const auto change = read_change(options);
    const auto timeout = timeout_of(options.wait);
    confirm(context.console, change, options.yes);
    Client client(context.socket);
    if (change.plan) return tell_what_would_be(context, client, change);
    auto operation = wire::decode_operation(client.post("/v1/changes", wire::encode(change)));
    if (!operation.finished && !options.wait.no_wait) operation = follow(context, client, operation.id, timeout);
    return tell_outcome(context, operation);
}

void add_upgrade_options(CLI::App& added, Options& options) {
    add_text(added, "--to", options.to, "VERSION", "Which; by default what new guests of each image get");
    added.add_option("--canary", options.canaries, "Those that go first; the others wait until they are ready")
        ->type_name("NAME");
    add_text(added, "--settle", options.settle, "TIME", "and have stayed so for this long (default: 30s)");
    add_text(added, "--shadows", options.shadows, "POLICY",
             "warn, hold or reset-path: of guests that hide what changes; else as the configuration says");
}

void add_copy_options(CLI::App& added, Verb verb, Options& options) {
    if (verb == Verb::snapshot || verb == Verb::backup)
        add_text(added, "--name", options.copy, "NAME", "What it is to be called; by default its kind and a number");
    if (verb == Verb::backup)
        add_text(added, "--registry", options.registry, "FILE", "Keep the registry in this new file, and no guest");
    if (verb == Verb::exporting)
        add_text(added, "--file", options.file, "FILE", "The new file on the host")->required();
    if (verb == Verb::restore)
        add_text(added, "--from", options.copy, "COPY", "Which; by default the newest snapshot or backup");
    if (verb == Verb::upgrade)
        added.add_flag("--with-snapshot", options.with_snapshot, "Make a snapshot of each before");
    if (verb == Verb::rollback)
        added.add_flag("--with-snapshot", options.with_snapshot, "Take the data back too, to the snapshot made before");
    if (verb == Verb::rebuild)
        add_repeated(added, "--keep", options.keep, "Leave this path as it is; may be repeated")->type_name("PATH");
    if (verb == Verb::retire)
        added.add_flag("--purge", options.purge, "Keep nothing of them: they cannot be recovered");
}

void add_one(CLI::App& app, Action& chosen, Verb verb, const std::string& summary_line, const std::string& examples) {
    auto options = std::make_shared<Options>();
    options->verb = verb;
    auto* added = add_verb(app, std::string(to_text(verb)), summary_line, examples);
    add_selection(*added, options->guests);
    add_text(*added, "--wave", options->wave, "LIMITS",
             "How fast: 15/30s, in_flight=8, adaptive,stop_on=20%/10 ...; else as the configuration says");
    added->add_flag("--plan", options->plan, "Tell who would move when, and change nothing");
    if (verb == Verb::upgrade) add_upgrade_options(*added, *options);
    add_copy_options(*added, verb, *options);
    if (destroys(verb)) added->add_flag("--yes", options->yes, "Do not ask");
    add_wait_options(*added, options->wait);
    on_chosen(added, chosen, options, change);
}

}  // namespace

void add_mass(CLI::App& app, Action& chosen) {
    add_one(app, chosen, Verb::start, "Start guests",
            "  drover start alice-1\n  drover start --all --wave 15/30s\n  drover start --all --plan");
    add_one(app, chosen, Verb::stop, "Stop guests in good order", "  drover stop 'alice-*'\n  drover stop --all");
    add_one(app, chosen, Verb::restart, "Stop guests and start them again",
            "  drover restart alice-1 bob-2\n  drover restart --owner alice --timeout 30m");
    add_one(app, chosen, Verb::rebuild, "Give guests a fresh overlay: same name and address, their data is destroyed",
            "  drover rebuild alice-1 --keep /home\n  drover rebuild --owner alice --yes");
    add_one(app, chosen, Verb::retire, "Remove guests; what is on their overlays is kept for a week",
            "  drover retire alice-3\n  drover retire 'alice-*' --purge --yes --json");
    add_one(app, chosen, Verb::upgrade, "Have guests run another version of their image; their data stays",
            "  drover upgrade --all --canary alice-1 --wave 15/30s\n  drover upgrade bob-1 --to 7ead0f65 --plan");
    add_one(app, chosen, Verb::rollback, "Have guests run the version that they were ready with before",
            "  drover rollback 'alice-*'\n  drover rollback alice-1 --with-snapshot");
    add_one(app, chosen, Verb::snapshot, "Keep a copy of guests' overlays; one that runs is off for that moment",
            "  drover snapshot alice-1 --name before-exam\n  drover snapshot --owner alice");
    add_one(app, chosen, Verb::restore, "Give guests back the overlay of a copy; what they have now is lost",
            "  drover restore alice-1\n  drover restore alice-1 --from before-exam --yes");
    add_one(app, chosen, Verb::recover, "Take retired guests back while their overlays are kept",
            "  drover recover alice-3");
    add_one(app, chosen, Verb::backup, "Keep guests in the folder for backups, or the registry in a file",
            "  drover backup --all\n  drover backup --registry /srv/backup/registry-2026-11-21.db");
    add_one(app, chosen, Verb::exporting, "Write a guest, as it is, into a file that can be imported elsewhere",
            "  drover export alice-1 --file /srv/alice-1.tar");
}

}  // namespace drover::cli
