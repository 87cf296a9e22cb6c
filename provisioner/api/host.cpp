#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "api/routes.hpp"

namespace drover::api {

std::optional<Answer> list_images(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const std::vector<Images::Row> promoted = doors.registry.images.list();
    std::vector<std::string> never_built = doors.roots.recipes();
    wire::Json listings = wire::Json::array();
    for (const Version& version : doors.roots.versions()) {
        wire::ImageRow row{.image = version.image, .version = version.digest, .bytes = version.bytes};
        for (const Images::Row& current : promoted) {
            if (current.digest != version.digest || current.image != version.image) continue;
            row.current = true;
            row.promoted = current.promoted;
        }
        row.guests = doors.registry.images.guests_of(version.digest);
        std::erase(never_built, version.image);
        listings.push_back(wire::encode(row));
    }
    for (const std::string& image : never_built) listings.push_back(wire::encode(wire::ImageRow{.image = image}));
    return answer(listings);
}

std::optional<Answer> build_image(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const OperationId id = doors.image_builds.begin(call.caller, call.part(2));
    return answer(wire::operation_with_items(doors.registry.operations.get(id)), 202);
}

std::optional<Answer> backup_registry(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const std::string copy = fmt::format("{}/backup-{}.db", doors.config.state, now().time_since_epoch().count());
    doors.registry.backup(copy);
    const std::ifstream file(copy, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    std::filesystem::remove(copy);
    return Answer{.body = bytes.str(), .type = "application/octet-stream"};
}

std::optional<Answer> run_fsck(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const bool repair = wire::decode_fsck(wire::parse(call.body));
    wire::Json findings = wire::Json::array();
    for (const Finding& finding : doors.fsck.run(repair)) findings.push_back(wire::encode(finding));
    return answer(findings);
}

std::optional<Answer> show_status(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    return answer(wire::encode(wire::Status{.instance = doors.config.instance,
                                            .version = DROVER_VERSION,
                                            .registry = doors.registry.uuid(),
                                            .subnet = to_text(doors.subnet),
                                            .accelerator = doors.accelerator.name()}));
}

}  // namespace drover::api
