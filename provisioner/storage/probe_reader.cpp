#include "storage/probe_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "model/names.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t most_probes = 16;
constexpr std::size_t longest_path = 200;
constexpr int last_port = 65535;

int read_port(const StrictYaml& yaml, const Located& value) {
    int port = 0;
    const auto* end = value.text.data() + value.text.size();
    const auto result = std::from_chars(value.text.data(), end, port);
    if (result.ec != std::errc() || result.ptr != end || port < 1 || port > last_port)
        yaml.refuse(value.line, fmt::format("'{}' is no port", value.text), "a number from 1 to 65535");
    return port;
}

/// It stands in a line of HTTP.
std::string read_path(const StrictYaml& yaml, const Located& value) {
    const auto& path = value.text;
    const bool plain = path.starts_with('/') && path.size() <= longest_path &&
                       std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f && c != '#'; });
    if (!plain) yaml.refuse(value.line, fmt::format("'{}' is no path of a page", path), "written like /status?short");
    return path;
}

Duration read_time(const StrictYaml& yaml, const char* key, Duration usual, Duration least, Duration most) {
    const auto value = yaml.text(key);
    if (!value) return usual;
    Duration time{0};
    yaml.at(*value, [&](const std::string& text) { time = parse_duration(text); });
    if (time < least || time > most)
        yaml.refuse(value->line, fmt::format("{} of '{}' is out of range", key, value->text),
                    fmt::format("{} to {}", to_text(least), to_text(most)));
    return time;
}

Probe read_probe(const StrictYaml& yaml) {
    const auto tcp = yaml.text("tcp"), http = yaml.text("http"), port = yaml.text("port");
    if (tcp.has_value() == http.has_value())
        yaml.refuse(yaml.line(), "a probe is either tcp or http", "{tcp: 22} or {http: /path, port: 80}");
    if (tcp && port) yaml.refuse(port->line, "a tcp probe has its port as its value", "{tcp: 22}");
    Probe probe;
    probe.port = tcp ? read_port(yaml, *tcp) : port ? read_port(yaml, *port) : 80;
    if (http) probe.path = read_path(yaml, *http);
    probe.interval = read_time(yaml, "interval", probe.interval, 1s, 24h);
    probe.timeout = read_time(yaml, "timeout", std::min(probe.timeout, probe.interval), 100ms, 1min);
    if (const auto service = yaml.text("restart")) {
        yaml.at(*service, [](const std::string& text) { check_plain_name("service", text); });
        probe.restart = service->text;
    }
    return probe;
}

}  // namespace

std::vector<Probe> read_probes(const StrictYaml& profile) {
    std::vector<Probe> probes;
    for (const StrictYaml& yaml :
         profile.mappings("probes", {"tcp", "http", "port", "interval", "timeout", "restart"})) {
        if (probes.size() == most_probes) profile.refuse(yaml.line(), fmt::format("more than {} probes", most_probes));
        probes.push_back(read_probe(yaml));
    }
    return probes;
}

}  // namespace drover
