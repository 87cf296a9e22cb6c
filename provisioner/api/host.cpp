#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "api/metrics.hpp"
#include "api/routes.hpp"
#include "model/failpoint.hpp"

namespace drover::api {
namespace {

wire::Json host_now(const Doors& doors) {
    wire::Host host{.stopped = false, .guests_up = doors.registry.guests.count_up(), .force_in = {}};
    if (const auto when = doors.herd.host().force_at()) {
        const auto left = std::chrono::ceil<Duration>(*when - HostMode::Clock::now());
        host.stopped = true;
        if (host.guests_up > 0) host.force_in = std::max(left, Duration::zero());
    }
    return wire::encode(host);
}

void note_order(const Doors& doors, const Call& call, const std::string& order) {
    doors.registry.events.add("host", "", std::nullopt, fmt::format("{}: {}", call.caller.who(), order));
}

}  // namespace

std::optional<Answer> backup_registry(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const std::filesystem::path folder = doors.config.state + "/tmp";  // swept at the next start, should we be killed
    std::filesystem::create_directories(folder);
    const std::filesystem::path copy = folder / fmt::format("backup-{}.db", now().time_since_epoch().count());
    doors.registry.backup(copy);
    failpoint("backup.copied");
    std::string bytes(std::filesystem::file_size(copy), '\0');
    std::ifstream file(copy, std::ios::binary);
    const bool whole = file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())).good();
    std::filesystem::remove(copy);
    if (!whole) throw Error(ErrorKind::failed, "cannot read the copy of the registry back", "try again");
    return Answer{.body = std::move(bytes), .type = "application/octet-stream"};
}

std::optional<Answer> run_fsck(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const bool repair = wire::decode_fsck(wire::parse(call.body));
    wire::Json findings = wire::Json::array();
    for (const Finding& finding : doors.fsck.run(repair)) findings.push_back(wire::encode(finding));
    return answer(findings);
}

std::optional<Answer> run_doctor(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return answer(wire::encode(doors.doctor.run()));
}

std::optional<Answer> show_host(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return answer(host_now(doors));
}

std::optional<Answer> stop_host(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const Duration budget = wire::decode_host_stop(wire::parse(call.body));
    note_order(doors, call, fmt::format("host stop within {}", to_text(budget)));
    doors.herd.stop_host(budget);
    return answer(host_now(doors));
}

std::optional<Answer> start_host(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    wire::decode_nothing(wire::parse(call.body));
    note_order(doors, call, "host start");
    doors.herd.start_host();
    return answer(host_now(doors));
}

std::optional<Answer> show_metrics(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return Answer{.body = metrics_text(doors), .type = "text/plain; version=0.0.4"};
}

std::optional<Answer> show_status(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return answer(wire::encode(wire::Status{.instance = doors.config.instance,
                                            .version = DROVER_VERSION,
                                            .registry = doors.registry.uuid(),
                                            .subnet = to_text(doors.registry.networks().of("").subnet),
                                            .accelerator = doors.accelerator.name()}));
}

}  // namespace drover::api
