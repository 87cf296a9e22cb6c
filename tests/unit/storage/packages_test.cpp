#include "storage/packages.hpp"

#include "fixture.hpp"

namespace drover {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// Packages that no mirror has, so that all must come from the cache, as on a machine without network.
struct Packages : testing::Test {
    TempFolder temp;
    fs::path cache = temp.path() / "cache";
    std::vector<std::string> told;
    BuildWork work{[this](const std::string& line) { told.push_back(line); }, std::chrono::minutes(2)};

    void cached(const std::string& name, const std::string& version) {
        const auto tree = temp.path() / "tree";
        write(tree / "DEBIAN/control",
              "Package: " + name + "\nVersion: " + version +
                  "\nArchitecture: all\nMaintainer: nobody <nobody@localhost>\nDescription: x\n");
        fs::create_directories(cache);
        auto encoded = version;
        if (const auto colon = encoded.find(':'); colon != std::string::npos) encoded.replace(colon, 1, "%3a");
        run_or_throw({.argv = {"dpkg-deb", "-b", tree, cache / (name + "_" + encoded + "_all.deb")}});
        fs::remove_all(tree);
    }
};

TEST_F(Packages, WithoutAMirrorTheNewestCachedOnesAreUsedAndThatIsSaid) {
    cached("drover-test-thing", "1.9");
    cached("drover-test-thing", "1.10");
    cached("drover-test-thing", "1:0.1");
    cached("drover-test-thing-more", "9:9");
    cached("linux-image-6.1.0-9-drover", "6.1.9");
    cached("linux-image-6.1.0-10-drover", "6.1.10");
    cached("linux-image-6.1.0-11-other", "6.1.11");
    Recipe recipe;
    recipe.packages = {"drover-test-thing"};
    recipe.kernel_package = "linux-image-drover";
    const auto packages = fetch_packages(recipe, cache, work);
    ASSERT_EQ(packages.size(), 2U);
    EXPECT_EQ(packages[0].name, "drover-test-thing");
    EXPECT_EQ(packages[0].version, "1:0.1");
    EXPECT_EQ(packages[0].file, cache / "drover-test-thing_1%3a0.1_all.deb");
    EXPECT_EQ(packages[1].name, "linux-image-6.1.0-10-drover");
    EXPECT_THAT(told, Contains(HasSubstr("using drover-test-thing 1:0.1 of the cache")));
}

TEST_F(Packages, WhatCanBeHadNeitherWayIsNamed) {
    Recipe recipe;
    recipe.packages = {"drover-test-thing"};
    const auto text = error_of([&] { fetch_packages(recipe, cache, work); });
    EXPECT_THAT(text,
                HasSubstr("failed: package drover-test-thing can neither be fetched nor is it in " + cache.string()));
    EXPECT_THAT(text, HasSubstr("apt-get update"));
}

TEST_F(Packages, ARecipeWithoutPackagesNeedsNoCache) {
    EXPECT_TRUE(fetch_packages(Recipe{}, cache, work).empty());
    EXPECT_FALSE(fs::exists(cache));
}

}  // namespace
}  // namespace drover
