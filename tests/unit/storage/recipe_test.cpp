#include "storage/recipe.hpp"

#include "fixture.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Recipes : testing::Test {
    TempFolder temp;
    fs::path folder = temp.path() / "small";

    Recipe parse(const std::string& yaml) {
        write(folder / "image.yaml", yaml);
        return read_recipe(folder);
    }
    std::string refusal(const std::string& yaml) {
        return error_of([&] { parse("name: small\nprofile: basic\n" + yaml); });
    }
    std::string at(int line) {
        return "usage: " + (folder / "image.yaml").string() + ":" + std::to_string(line) + ": ";
    }
};

TEST_F(Recipes, ReadsAllThatThereIs) {
    const auto recipe = parse(
        "name: small\ndescription: a small one\npackages: [busybox-static, libstdc++6]\nkernel_package: "
        "linux-image-amd64\n"
        "kernel_parameters: quiet console=ttyS0\nprofile: basic\nfork_point: ready\n"
        "install: [systemd]\nmemory: 128MiB\n");
    EXPECT_EQ(recipe.name, "small");
    EXPECT_EQ(recipe.description, "a small one");
    EXPECT_THAT(recipe.packages, ElementsAre("busybox-static", "libstdc++6"));
    EXPECT_EQ(recipe.kernel_package, "linux-image-amd64");
    EXPECT_EQ(recipe.kernel_parameters, "quiet console=ttyS0");
    EXPECT_EQ(recipe.profile, "basic");
    EXPECT_EQ(recipe.fork_point, "ready");
    EXPECT_THAT(recipe.install, ElementsAre("systemd"));
    EXPECT_EQ(recipe.memory, 128LL << 20);
    EXPECT_EQ(recipe.assemble, folder / "assemble");
}

TEST_F(Recipes, NeedsItsNameAndAProfile) {
    EXPECT_EQ(parse("name: small\nprofile: basic\n").fork_point, "early");
    EXPECT_THAT(error_of([&] { parse("profile: basic\n"); }), HasSubstr("key 'name' is missing"));
    EXPECT_THAT(error_of([&] { parse("name: small\n"); }), HasSubstr("key 'profile' is missing"));
    EXPECT_THAT(error_of([&] { parse("name: big\nprofile: basic\n"); }),
                StartsWith(at(1) + "name 'big' is not its folder's"));
    EXPECT_THAT(error_of([&] { parse("name: small\nprofile: ../basic\n"); }), StartsWith(at(2) + "'../basic'"));
}

TEST_F(Recipes, RefusesWhatItDoesNotKnow) {
    EXPECT_THAT(refusal("kernel: x\n"), StartsWith(at(3) + "unknown key 'kernel'"));
    EXPECT_THAT(refusal("fork_point: late\n"), StartsWith(at(3) + "unknown fork point 'late'"));
    EXPECT_THAT(refusal("packages: [a1, -oDir=/]\n"), StartsWith(at(3) + "'-oDir=/' is no package name"));
    EXPECT_THAT(refusal("packages:\n  - busybox\n  - busybox\n"), StartsWith(at(5) + "'busybox' is there twice"));
    EXPECT_THAT(refusal("install: [/etc/passwd]\n"), StartsWith(at(3) + "'/etc/passwd' is no package name"));
    for (const auto* memory : {"128", "MiB", "1GiB", "-1MiB", "1234567MiB"})
        EXPECT_THAT(refusal(std::string("memory: ") + memory + "\n"), StartsWith(at(3)));
    EXPECT_THAT(refusal("kernel_package: ../linux\n"), StartsWith(at(3)));
    EXPECT_THAT(refusal("kernel_parameters: \"a\\nb\"\n"), StartsWith(at(3)));
}

TEST_F(Recipes, AnImageWithoutOneIsNotFound) {
    EXPECT_THAT(error_of([&] { read_recipe(temp.path() / "none"); }),
                StartsWith("not-found: no recipe for an image 'none'"));
}

}  // namespace
}  // namespace drover
