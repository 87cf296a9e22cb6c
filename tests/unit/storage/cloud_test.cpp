#include <nlohmann/json.hpp>

#include "fixture.hpp"
#include "storage/overlays.hpp"
#include "storage/qcow2.hpp"
#include "storage/roots.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr long long mib = 1 << 20;

struct CloudTest : testing::Test {
    TempFolder temp;
    StoragePaths paths = paths_below(temp.path());
    Roots roots{paths};
    Overlays overlays{paths, "+" + std::to_string(::geteuid()) + ":+" + std::to_string(::getegid())};

    std::string qcow2(const std::string& name, const std::vector<std::string>& options = {}) const {
        std::vector<std::string> argv{"qemu-img", "create", "-q", "-f", "qcow2"};
        argv.insert(argv.end(), options.begin(), options.end());
        argv.insert(argv.end(), {temp.path() / name, "128M"});
        run_or_throw({.argv = argv});
        return temp.path() / name;
    }
    Version add(const std::string& file, const std::string& image = "bookworm") {
        return roots.add({image, file, 512 * mib}, {});
    }
    static nlohmann::json info_of(const std::string& overlay) {
        return nlohmann::json::parse(run_or_throw({.argv = {"qemu-img", "info", "--output=json", overlay}}));
    }
};

TEST_F(CloudTest, AFileBecomesAVersionLikeOthers) {
    const auto file = qcow2("image.qcow2");
    const auto version = add(file);
    EXPECT_TRUE(version.is_cloud());
    EXPECT_EQ(version.kernel, "");
    EXPECT_EQ(version.memory, 512 * mib);
    EXPECT_EQ(version.profile, cloud_profile);
    EXPECT_EQ(read(version.disk), read(file));
    EXPECT_EQ(mode_of(version.disk), 0444U);
    EXPECT_EQ(add(file), version);
    EXPECT_THAT(roots.versions(), ElementsAre(version));
    EXPECT_EQ(roots.verify("bookworm", version.digest), std::nullopt);

    write(fs::path(paths.images) / "small/image.yaml", "name: small\n");
    EXPECT_THAT(error_of([&] { add(file, "small"); }), HasSubstr("built by a recipe"));
    write(fs::path(paths.images) / "bookworm/image.yaml", "name: bookworm\n");
    EXPECT_THAT(error_of([&] { roots.build("bookworm", {}); }), HasSubstr("is a cloud image"));
    roots.remove("bookworm", version.digest);
    EXPECT_THAT(roots.versions(), IsEmpty());
}

TEST_F(CloudTest, ADiskThatChangedIsFound) {
    const auto file = qcow2("image.qcow2");
    const auto version = add(file);
    fs::permissions(version.disk, fs::perms(0644));
    write(version.disk, read(file) + "x");
    EXPECT_THAT(error_of([&] { (void)roots.version("bookworm", version.digest); }), HasSubstr("drover image add"));
    EXPECT_EQ(add(file), version);
    EXPECT_EQ(read(version.disk), read(file));
}

TEST_F(CloudTest, FilesThatNeedOthersAreRefusedAndLeaveNothing) {
    const auto plain = qcow2("plain.qcow2");
    EXPECT_THAT(error_of([&] { add(qcow2("backed.qcow2", {"-b", plain, "-F", "qcow2"})); }), HasSubstr("backs it"));
    EXPECT_THAT(error_of([&] {
                    add(qcow2("data.qcow2", {"-o", "data_file=" + (temp.path() / "raw").string()}));
                }),
                HasSubstr("another file"));
    fs::create_symlink(plain, temp.path() / "link");
    EXPECT_THAT(error_of([&] { add(temp.path() / "link"); }), HasSubstr("no plain file"));
    EXPECT_THAT(roots.versions(), IsEmpty());
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), IsEmpty());
}

TEST_F(CloudTest, AnOverlayIsAsLargeAsTheLargerOfBoth) {
    const auto disk = add(qcow2("image.qcow2")).disk;
    const auto place = overlays.create_on(disk, 7, 1, 64 * mib);
    EXPECT_EQ(place.prototype, disk);
    EXPECT_EQ(info_of(place.overlay).at("virtual-size"), 128 * mib);
    EXPECT_EQ(info_of(place.overlay).at("backing-filename-format"), "qcow2");
    EXPECT_EQ(info_of(overlays.create_on(disk, 7, 2, 256 * mib).overlay).at("virtual-size"), 256 * mib);
}

TEST_F(CloudTest, AnOverlayIsOnNothingButAVersion) {
    const auto elsewhere = qcow2("disk.qcow2");
    EXPECT_THAT(error_of([&] { overlays.create_on(elsewhere, 7, 1, 64 * mib); }), HasSubstr("none of our prototypes"));
    const auto disk = fs::path(add(elsewhere).disk);
    EXPECT_TRUE(is_cloud_disk(paths.state, disk));
    EXPECT_FALSE(is_cloud_disk(paths.state, disk.parent_path() / "../" / disk.parent_path().filename() / "disk.qcow2"));
    EXPECT_FALSE(is_cloud_disk(paths.state, disk.parent_path() / "manifest.json"));
}

TEST_F(CloudTest, ASeedHoldsTheGuestsEndAndWhatItIsGiven) {
    write(fs::path(paths.images) / "cloud-seed/user-data", "#cloud-config\n");
    overlays.put_seed(7, {{"meta-data", "old"}});
    overlays.put_seed(7, {{"meta-data", "new"}});
    const auto seed = overlays.seed(7);
    EXPECT_EQ(names_in(fs::path(seed).parent_path()), std::vector<std::string>{"seed.iso"});
    const auto out = temp.path() / "out";
    run_or_throw({.argv = {"xorriso", "-osirrox", "on", "-indev", seed, "-extract", "/", out}});
    EXPECT_THAT(names_in(out), ElementsAre("drover-guest", "meta-data", "user-data"));
    EXPECT_EQ(read(out / "meta-data"), "new");
    EXPECT_EQ(read(out / "drover-guest"), "the guest's end");
    EXPECT_THAT(read(seed), HasSubstr("cidata"));
}

}  // namespace
}  // namespace drover
