#include "storage/sbom.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>

namespace drover {
namespace {

Manifest sample() {
    Manifest manifest;
    manifest.image = "web";
    for (const auto name : version_files) manifest.files[std::string(name)] = {std::string(64, 'a'), 1};
    manifest.packages = {{"apache2", "2.4.57-2"}, {"libstdc++6", "12.2.0-14"}, {"login", "1:4.13+dfsg1-1+b1~x"}};
    return manifest;
}

/// What the schema of CycloneDX 1.5 requires, or gives a form.
TEST(Sbom, HasWhatTheFormatRequires) {
    const auto sbom = nlohmann::json::parse(sbom_of(sample()));
    EXPECT_EQ(sbom["bomFormat"], "CycloneDX");
    EXPECT_EQ(sbom["specVersion"], "1.5");
    EXPECT_EQ(sbom["version"], 1);
    EXPECT_THAT(sbom["serialNumber"].get<std::string>(),
                testing::MatchesRegex("urn:uuid:[0-9a-f]+-[0-9a-f]+-5[0-9a-f]+-[89ab][0-9a-f]+-[0-9a-f]+"));
    EXPECT_EQ(sbom["serialNumber"].get<std::string>().size(), 45U);
    const auto& image = sbom["metadata"]["component"];
    EXPECT_EQ(image["type"], "operating-system");
    EXPECT_EQ(image["name"], "web");
    EXPECT_EQ(image["version"], sample().digest());
    std::set<std::string> references{image["bom-ref"]};
    ASSERT_EQ(sbom["components"].size(), 3U);
    for (const auto& component : sbom["components"]) {
        EXPECT_EQ(component["type"], "library");
        EXPECT_NE(component["name"], "");
        EXPECT_TRUE(references.insert(component["bom-ref"]).second) << "each names one thing";
    }
}

TEST(Sbom, NamesPackagesByTheirUrls) {
    const auto sbom = nlohmann::json::parse(sbom_of(sample()));
    EXPECT_EQ(sbom["components"][0]["purl"], "pkg:deb/debian/apache2@2.4.57-2");
    EXPECT_EQ(sbom["components"][1]["purl"], "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14");
    EXPECT_EQ(sbom["components"][2]["purl"], "pkg:deb/debian/login@1:4.13%2Bdfsg1-1%2Bb1~x");
    EXPECT_EQ(sbom["components"][2]["version"], "1:4.13+dfsg1-1+b1~x");
}

TEST(Sbom, IsTheSameForTheSameVersionAndAnotherForAnother) {
    EXPECT_EQ(sbom_of(sample()), sbom_of(sample()));
    auto other = sample();
    other.profile = "student";
    EXPECT_NE(nlohmann::json::parse(sbom_of(other))["serialNumber"],
              nlohmann::json::parse(sbom_of(sample()))["serialNumber"]);
}

}  // namespace
}  // namespace drover
