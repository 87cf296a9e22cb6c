// The program behind tools/simulate.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include "model/error.hpp"
#include "model/plot.hpp"
#include "simulation/virtual_herd.hpp"

namespace drover {
namespace {

struct Options {
    int guests = 0, hosts = 1;
    std::string policy = "adaptive", scenario = "small", verb = "start", plot;
    std::uint64_t seed = 1;
    double crash = -1, hang = -1;
    bool compare = false;
};

double seconds(Instant time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }

Scenario scenario_of(const Options& options) {
    const auto& all = standard_scenarios();
    const auto found = std::find_if(all.begin(), all.end(), [&](auto& one) { return one.name == options.scenario; });
    if (found == all.end()) {
        throw Error(ErrorKind::usage, fmt::format("no scenario '{}'", options.scenario),
                    "small, patient, large, disk or memory");
    }
    Scenario scenario = *found;
    scenario.seed = options.seed;
    scenario.hosts = options.hosts;
    if (options.crash >= 0) scenario.crash = options.crash / 100;
    if (options.hang >= 0) scenario.hang = options.hang / 100;
    if (options.guests > 0) {
        scenario.host.memory *= static_cast<double>(options.guests) / scenario.guests;
        scenario.guests = options.guests;
    }
    return scenario;
}

Course course_of(const Scenario& scenario, const std::string& policy, const std::string& verb) {
    const WavePolicy one = parse_wave_policy(policy);
    VirtualHerd herd(scenario, {one, one, one, one});
    if (verb == "start") return herd.run();
    for (Guest& guest : herd.guests()) {
        herd.bring_up(guest);
        if (verb == "stop") guest.desired = Desired::stopped;
        if (verb == "restart") ++guest.want.boot;
        if (verb == "upgrade") guest.want.version = "v2";
    }
    return herd.run();
}

/// Seconds until that part of all who got ready were.
double quantile(const Course& course, double part) {
    if (course.ready.empty()) return 0;
    const auto index = static_cast<std::size_t>(part * static_cast<double>(course.ready.size() - 1));
    return seconds(course.ready[index]);
}

std::string plotted(const Scenario& scenario, const std::string& policy, const Course& course) {
    Curve ready{.name = "ready"};
    Curve begun{.name = "begun"};
    Curve in_flight{.name = "in flight"};
    for (const Instant time : course.ready) ready.points.push_back({seconds(time), double(ready.points.size() + 1)});
    for (const SlotUse& use : course.uses) {
        begun.points.push_back({seconds(use.begin), double(begun.points.size() + 1)});
    }
    for (const auto& [time, count] : course.in_flight) in_flight.points.push_back({seconds(time), double(count)});
    const auto title = fmt::format("{} guests, {}, {}", scenario.guests, scenario.name, policy);
    return plot_svg({.title = title, .x = "seconds", .y = "guests", .curves = {begun, ready, in_flight}});
}

void simulate(const Options& options) {
    const Scenario scenario = scenario_of(options);
    const auto begin = std::chrono::steady_clock::now();
    const Course course = course_of(scenario, options.policy, options.verb);
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
    fmt::print("guests         {}\npolicy         {}\nmakespan       {:.1f} s\n", scenario.guests, options.policy,
               seconds(course.end));
    if (!course.ready.empty()) {
        fmt::print("ready          {}, p50 after {:.1f} s, p99 after {:.1f} s\n", course.ready.size(),
                   quantile(course, 0.5), quantile(course, 0.99));
    }
    fmt::print("peak in flight {}\nslots used     {}\nfaults         {}\n", course.peak, course.uses.size(),
               course.faults);
    for (const StoppedWave& stopped : course.stopped) {
        fmt::print("stopped        {}; {} put back\n", stopped.reason, stopped.put_back.size());
    }
    fmt::print("wall time      {:.2f} s\n", wall.count());
    if (options.plot.empty()) return;
    std::ofstream file(options.plot);
    file << plotted(scenario, options.policy, course);
    if (!file.flush()) throw Error(ErrorKind::failed, fmt::format("cannot write '{}'", options.plot));
    fmt::print("plot           {}\n", options.plot);
}

/// Adaptive against fixed numbers in flight, on each standard scenario.
void compare(const Options& options) {
    fmt::print("{:<10}", "makespan/s");
    for (const int fixed : {1, 2, 4, 8, 16, 32}) fmt::print("{:>9}", fixed);
    fmt::print("{:>10}{:>8}\n", "adaptive", "/best");
    for (const Scenario& standard : standard_scenarios()) {
        Options one = options;
        one.scenario = standard.name;
        const Scenario scenario = scenario_of(one);
        double best = 0;
        fmt::print("{:<10}", scenario.name);
        for (const int fixed : {1, 2, 4, 8, 16, 32}) {
            const double makespan = seconds(course_of(scenario, fmt::format("in_flight={}", fixed), "start").end);
            best = best == 0 ? makespan : std::min(best, makespan);
            fmt::print("{:>9.1f}", makespan);
        }
        const double adaptive = seconds(course_of(scenario, "adaptive", "start").end);
        fmt::print("{:>10.1f}{:>8.3f}\n", adaptive, adaptive / best);
    }
}

int run(int argc, char** argv) {
    Options options;
    CLI::App app("A mass start on a virtual clock: the step table and the waves of Drover, on a modelled host");
    app.add_option("--guests", options.guests, "how many (default: the scenario's)")->check(CLI::Range(1, 1000000));
    app.add_option("--policy", options.policy, "as in the configuration: adaptive, 15/30s, in_flight=8 ...");
    app.add_option("--scenario", options.scenario, "small, patient, large, disk or memory");
    app.add_option("--hosts", options.hosts, "how many such hosts")->check(CLI::Range(1, 1000));
    app.add_option("--verb", options.verb, "what is done to all")
        ->check(CLI::IsMember({"start", "stop", "restart", "upgrade"}));
    app.add_option("--crash", options.crash, "percent of the starts that crash")->check(CLI::Range(0, 100));
    app.add_option("--hang", options.hang, "percent of the starts that never answer")->check(CLI::Range(0, 100));
    app.add_option("--seed", options.seed, "of all chance");
    app.add_option("--plot", options.plot, "draws ready over time into this SVG file");
    app.add_flag("--compare", options.compare, "adaptive against fixed numbers in flight, on all scenarios");
    CLI11_PARSE(app, argc, argv);
    options.compare ? compare(options) : simulate(options);
    return 0;
}

}  // namespace
}  // namespace drover

int main(int argc, char** argv) {
    try {
        return drover::run(argc, argv);
    } catch (const drover::Error& error) {
        std::cerr << "simulate: " << error.what() << (error.hint().empty() ? "" : ": ") << error.hint() << '\n';
        return drover::form_of(error.kind()).exit_code;
    }
}
