#include "cli/frame.hpp"

#include <fmt/format.h>

#include <iostream>
#include <map>
#include <sstream>

#include "cli/output.hpp"
#include "model/guest.hpp"

namespace drover::cli {
namespace {

using Lines = std::vector<std::string>;

std::string number(long long value) { return value == 0 ? "" : fmt::format("{}", value); }

void add_table(Lines& lines, const Table& table) {
    std::istringstream none;
    std::ostringstream text, errors;
    Console console{none, text, errors};
    table.print(console);
    std::istringstream rows(text.str());
    for (std::string row; std::getline(rows, row);) lines.push_back("  " + row);
}

void add_heading(Lines& lines, const std::string& text) {
    lines.emplace_back();
    lines.push_back(text);
}

std::string size_of(const wire::Json& load, const char* name) {
    const auto& bytes = load.at(name);
    if (bytes.is_null()) return "?";
    constexpr double gib = 1LL << 30;
    return fmt::format("{:.1f} GiB", bytes.get<double>() / gib);
}

void add_herd(Lines& lines, const wire::Json& overview) {
    std::map<std::string, std::map<std::string, long long>> counts;  // by kind and phase
    for (const auto& crowd : overview.at("guests")) {
        const auto count = crowd.value("count", 0LL);
        auto& kind = counts[field(crowd, "kind")];
        kind[field(crowd, "phase")] += count;
        kind["ALL"] += count;
        if (crowd.value("faulted", false)) kind["FAULTED"] += count;
        if (!crowd.value("owned", true)) kind["OF POOLS"] += count;
    }
    std::vector<std::string> heading{"KIND", "ALL"};
    for (const Phase phase : all_phases)
        if (phase != Phase::gone) heading.emplace_back(to_text(phase));
    heading.insert(heading.end(), {"FAULTED", "OF POOLS"});
    Table table(heading);
    for (auto& [kind, count] : counts) {
        std::vector<std::string> row{kind};
        for (std::size_t i = 1; i < heading.size(); ++i) row.push_back(number(count[heading[i]]));
        table.add(row);
    }
    add_heading(lines, fmt::format("herd ({} on the control channel, {} at consoles)",
                                   field(overview, "control_sessions"), field(overview.at("consoles"), "visitors")));
    counts.empty() ? lines.push_back("  no guests") : add_table(lines, table);
}

void add_waves(Lines& lines, const wire::Json& overview) {
    Table table({"WAVE", "IN FLIGHT", "WAITING", "LIMIT", "HELD BY"});
    for (const auto& wave : overview.at("waves")) {
        const auto limit = wave.value("limit", 0.0);
        table.add({field(wave, "class"), number(wave.value("in_flight", 0LL)), number(wave.value("waiting", 0LL)),
                   limit > 0 ? fmt::format("{:.0f}", limit) : "", field(wave, "held_by")});
    }
    add_heading(lines, "waves");
    add_table(lines, table);
}

void add_load(Lines& lines, const wire::Json& load) {
    const auto percent = [&](const char* name) {
        const auto& value = load.at(name);
        return value.is_null() ? std::string("?") : fmt::format("{:.0f}%", value.get<double>());
    };
    add_heading(lines,
                fmt::format("pressure, 10 s: memory some {} full {}, io some {} full {}; free: memory {}, disk {}; "
                            "{} cores",
                            percent("memory_some"), percent("memory_full"), percent("io_some"), percent("io_full"),
                            size_of(load, "free_memory"), size_of(load, "free_disk"), field(load, "cores")));
}

void add_pools(Lines& lines, const wire::Json& pools) {
    if (pools.empty()) return;
    Table table({"POOL", "KIND", "PARKED", "STOPPED", "MAKING", "TAKEN", "TROUBLE"});
    const auto level = [](const wire::Json& state) {
        return fmt::format("{}/{}", field(state, "have"), field(state, "target"));
    };
    for (const auto& pool : pools)
        table.add({field(pool, "image") + " " + field(pool, "profile"), field(pool, "kind"), level(pool.at("parked")),
                   level(pool.at("stopped")), number(pool.value("making", 0LL)), field(pool, "taken"),
                   field(pool, "trouble")});
    add_heading(lines, "pools");
    add_table(lines, table);
}

void add_operations(Lines& lines, const wire::Json& operations) {
    add_heading(lines, operations.empty() ? "no operations under way" : "operations under way");
    if (operations.empty()) return;
    Table table({"OPERATION", "WHO", "VERB", "DONE", "SINCE"});
    for (const auto& operation : operations)
        table.add({field(operation, "id"), field(operation, "who"), field(operation, "verb"),
                   fmt::format("{}/{}", field(operation, "done"), field(operation, "total")),
                   field(operation, "created")});
    add_table(lines, table);
}

void add_events(Lines& lines, const wire::Json& events) {
    add_heading(lines, "last events");
    for (const auto& event : events) {
        const auto guest = field(event, "guest");
        lines.push_back(fmt::format("  {} {:<10} {}{}", field(event, "time"), field(event, "kind"),
                                    guest.empty() ? "" : guest + ": ", printable(field(event, "message"))));
    }
}

}  // namespace

std::vector<std::string> frame_of(const wire::Json& overview, const std::string& time) {
    Lines lines{fmt::format("drover {}  instance {}  {}  host {}{}  {}", field(overview, "version"),
                            field(overview, "instance"), field(overview, "accelerator"), field(overview, "host"),
                            overview.value("hypervisor_reachable", true) ? "" : "  HYPERVISOR DOES NOT ANSWER", time)};
    add_herd(lines, overview);
    add_waves(lines, overview);
    add_load(lines, overview.at("load"));
    add_pools(lines, overview.at("pools"));
    add_operations(lines, overview.at("operations"));
    add_events(lines, overview.at("events"));
    return lines;
}

}  // namespace drover::cli
