// Holds schema/openapi.yaml against the encoders and decoders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "wire/wire.hpp"

namespace drover::wire {
namespace {

YAML::Node schema(const std::string& name) {
    static const auto page = YAML::LoadFile(DROVER_SOURCE "/schema/openapi.yaml");
    return page["components"]["schemas"][name];
}

std::vector<std::string> properties(const YAML::Node& node) {
    std::vector<std::string> result;
    for (const auto& entry : node["properties"]) result.push_back(entry.first.as<std::string>());
    return result;
}

/// The fields of a schema, its base's first.
std::vector<std::string> fields_of(const std::string& name) {
    const auto node = schema(name);
    if (!node["allOf"]) return properties(node);
    const auto base = node["allOf"][0]["$ref"].as<std::string>();
    auto result = fields_of(base.substr(base.rfind('/') + 1));
    for (auto& field : properties(node["allOf"][1])) result.push_back(std::move(field));
    return result;
}

std::vector<std::string> names_of(const Json& object) {
    std::vector<std::string> result;
    for (const auto& [name, value] : object.items()) result.push_back(name);
    return result;
}

TEST(OpenApi, DescribesTheAnswersExactly) {
    Guest guest;
    Operation operation;
    operation.items.resize(1);
    const auto with_items = operation_with_items(operation);
    auto shown = guest_show(guest, "drover", {});
    shown["levels"] = nullptr;  // the daemon's memory adds them
    const std::map<std::string, Json> answers = {
        {"Guest", guest_listing(guest, "drover", {})},
        {"GuestShow", shown},
        {"GuestReservation", encode(GuestReservation{}, "done")},
        {"Operation", operation_listing(operation)},
        {"OperationWithItems", with_items},
        {"Item", with_items["items"][0]},
        {"Event", encode(Event{})},
        {"Owner", encode(Owner{})},
        {"Copy", encode(Copy{})},
        {"ServiceRow", encode(ServiceRow{})},
        {"Image", encode(ImageRow{})},
        {"Verification", encode(Verification{})},
        {"Differences", encode(Differences{})},
        {"Finding", encode(Finding{})},
        {"Diagnosis", encode(Diagnosis{})},
        {"Status", encode(Status{})},
        {"Host", encode(Host{})},
        {"Pool", encode(PoolState{})},
        {"Network", encode(NetworkReport{.network = {}, .room = NetworkReport::Room{}})},
        {"ShadowRow", encode(ShadowRow{})},
        {"Error", encode(Error(ErrorKind::failed, ""))},
    };
    for (const auto& [name, answer] : answers) EXPECT_EQ(fields_of(name), names_of(answer)) << name;
}

TEST(OpenApi, DescribesTheRequestsExactly) {
    const GuestRequest request{"a", 1, "b", "c", "lab", Kind::vm, true, ""};
    EXPECT_EQ(fields_of("GuestRequest"), names_of(encode(request)));
    const OwnerChange owner{"a", 1, std::vector<std::string>{}, "b"};
    EXPECT_EQ(fields_of("OwnerChange"), names_of(encode(owner)));
    const Change change{.verb = Verb::upgrade,
                        .selection = {{"a"}, "b", true},
                        .wave = WavePolicy{},
                        .plan = true,
                        .to = "c",
                        .canaries = {"d"},
                        .settle = Duration{1000},
                        .shadows = ShadowPolicy::hold,
                        .with_snapshot = true,
                        .copy = "e",
                        .file = "/f",
                        .keep = {"/g"},
                        .purge = true};
    EXPECT_EQ(fields_of("Change"), names_of(encode(change)));
    EXPECT_EQ(fields_of("ShadowQuery"), names_of(encode(ShadowQuery{{{"a"}, "b", true}, "c"})));
    const Selection selection{{"a"}, "b", true};
    EXPECT_EQ(fields_of("ServiceChange"), names_of(encode(ServiceChange{ServiceVerb::stop, "web", selection})));
    EXPECT_EQ(fields_of("KeyChange"), names_of(encode(selection)));
    EXPECT_EQ(fields_of("PasswordChange"), names_of(encode(PasswordChange{"a", "b", "c"})));
    EXPECT_EQ(fields_of("Import"), names_of(encode(GuestImport{"a", "b"})));
    const PoolChange pool{"a", "b", Kind::vm, 1, 1, std::vector<ScheduleEntry>{}, 1};
    EXPECT_EQ(fields_of("PoolChange"), names_of(encode(pool)));
    for (const auto* name : {"GuestRequest", "PoolChange", "PoolName", "Import", "OwnerChange", "Change", "ShadowQuery",
                             "FsckRequest", "ServiceChange", "KeyChange", "PasswordChange"}) {
        EXPECT_FALSE(schema(name)["additionalProperties"].as<bool>(true)) << name;
    }
}

TEST(OpenApi, NamesTheBoundsThatHold) {
    EXPECT_EQ(schema("GuestRequest")["properties"]["count"]["maximum"].as<long long>(), max_count);
    EXPECT_EQ(schema("OwnerChange")["properties"]["quota"]["maximum"].as<long long>(), max_quota);
    EXPECT_EQ(schema("OwnerChange")["properties"]["keys"]["maxItems"].as<std::size_t>(), max_keys);
    EXPECT_EQ(schema("Change")["properties"]["globs"]["maxItems"].as<std::size_t>(), max_globs);
}

TEST(OpenApi, NamesTheWordsThatThereAre) {
    std::vector<std::string> phases, desired;
    for (const auto phase : all_phases) phases.emplace_back(to_text(phase));
    for (const auto each : all_desired) desired.emplace_back(to_text(each));
    EXPECT_EQ(schema("Phase")["enum"].as<std::vector<std::string>>(), phases);
    EXPECT_EQ(schema("Desired")["enum"].as<std::vector<std::string>>(), desired);
    for (const auto& kind : schema("Error")["properties"]["error"]["properties"]["kind"]["enum"]) {
        const auto name = kind.as<std::string>();
        EXPECT_EQ(form_of(error_kind_named(name)).name, name);
    }
}

}  // namespace
}  // namespace drover::wire
