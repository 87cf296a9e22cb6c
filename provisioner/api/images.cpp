#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "api/routes.hpp"
#include "storage/root_diff.hpp"

namespace drover::api {
namespace {

/// The operation, as it is now.
std::optional<Answer> accepted(const Doors& doors, OperationId id) {
    return answer(wire::operation_with_items(doors.registry.operations.get(id)), 202);
}

/// The version as it is on the disk.
Version meant(const Doors& doors, const std::string& text) {
    const auto [image, digest] = doors.registry.images.meant(text);
    return doors.roots.version(image, digest);
}

std::vector<wire::Differences::Package> package_differences(const Doors& doors, const Version& from,
                                                            const Version& to) {
    std::map<std::string, std::pair<std::string, std::string>> both;
    for (const auto& [name, version] : doors.roots.packages(from)) both[name].first = version;
    for (const auto& [name, version] : doors.roots.packages(to)) both[name].second = version;
    std::vector<wire::Differences::Package> result;
    for (const auto& [name, versions] : both)
        if (versions.first != versions.second) result.push_back({name, versions.first, versions.second});
    return result;
}

std::vector<wire::TemplateRow> templates_of(const std::vector<TemplateSight>& all, const Images::Row& row) {
    std::vector<wire::TemplateRow> result;
    for (const TemplateSight& one : all)
        if (one.image == row.image && one.version == row.digest)
            result.push_back({one.profile, one.fork_point, std::string(to_text(one.stage)), one.made, one.took,
                              one.bytes, one.reason});
    return result;
}

}  // namespace

std::optional<Answer> list_images(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    std::map<std::pair<std::string, std::string>, long long> sizes;
    for (const Version& version : doors.roots.versions()) sizes[{version.image, version.digest}] = version.bytes;
    const auto templates = doors.templates == nullptr ? std::vector<TemplateSight>{} : doors.templates->list();
    std::vector<std::string> never_built = doors.roots.recipes();
    Rows rows;
    for (const Images::Row& row : doors.registry.images.list()) {
        rows.add(wire::encode(wire::ImageRow{.image = row.image,
                                             .version = row.digest,
                                             .current = row.promoted.has_value(),
                                             .built = row.built,
                                             .promoted = row.promoted,
                                             .guests = row.guests,
                                             .bytes = sizes[{row.image, row.digest}],
                                             .templates = templates_of(templates, row)}));
        std::erase(never_built, row.image);
    }
    for (const std::string& image : never_built) rows.add(wire::encode(wire::ImageRow{.image = image}));
    return std::move(rows).answer();
}

std::optional<Answer> add_version(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto addition = wire::decode_image_addition(wire::parse(call.body));
    return accepted(doors, doors.image_jobs.add(call.caller, {call.part(2), addition.file, addition.memory}));
}

std::optional<Answer> build_image(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const bool with_template = !call.body.empty() && wire::decode_image_build(wire::parse(call.body));
    return accepted(doors, doors.image_jobs.build(call.caller, call.part(2), with_template));
}

std::optional<Answer> promote_version(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto& image = call.part(2);
    auto version = wire::decode_promotion(wire::parse(call.body));
    if (version) version = doors.registry.images.meant(image, *version).digest;
    return answer({{"image", image}, {"version", doors.registry.images.promote(call.caller, image, version)}});
}

std::optional<Answer> roll_back_image(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    wire::decode_nothing(wire::parse(call.body));
    const auto& image = call.part(2);
    return answer({{"image", image}, {"version", doors.registry.images.roll_back(call.caller, image)}});
}

std::optional<Answer> remove_version(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto [image, digest] = doors.registry.images.meant(call.part(2), call.part(4));
    return accepted(doors, doors.image_jobs.remove(call.caller, image, digest));
}

std::optional<Answer> verify_version(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto [image, digest] = doors.registry.images.meant(call.part(2), call.part(4));
    return answer(wire::encode(wire::Verification{image, digest, doors.roots.verify(image, digest)}));
}

std::optional<Answer> show_sbom(const Doors& doors, const Call& call) {
    wire::expect_none(call.target.parameters);
    const auto [image, digest] = doors.registry.images.meant(call.part(2), call.part(4));
    return Answer{.body = doors.roots.sbom(image, digest)};
}

std::optional<Answer> compare_versions(const Doors& doors, const Call& call) {
    const auto pair = wire::decode_version_pair(call.target.parameters);
    const Version from = meant(doors, pair.from), to = meant(doors, pair.to);
    for (const Version& version : {from, to})
        if (version.is_cloud())
            throw Error(ErrorKind::refused,
                        fmt::format("{} is a cloud image: nobody but its guests looks into it", version.digest));
    wire::Differences result{from.digest, to.digest, package_differences(doors, from, to), {}};
    for (const Difference& difference : differences(from.root, to.root))
        result.files.push_back({difference.path, to_text(difference.change)});
    return answer(wire::encode(result));
}

}  // namespace drover::api
