#include "storage/overlays.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "fixture.hpp"
#include "model/unique_fd.hpp"
#include "storage/durable.hpp"
#include "storage/qcow2.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Property;
using testing::SizeIs;
using testing::StartsWith;
using testing::Throws;

constexpr long long disk = 64LL << 20;

struct OverlaysTest : testing::Test {
    TempFolder temp;
    StoragePaths paths = paths_below(temp.path());
    std::string user = "+" + std::to_string(::geteuid()) + ":+" + std::to_string(::getegid());

    OverlaysTest() { write(fs::path(paths.profiles) / "basic/overlay.yaml", "persistent: [/home]\n"); }

    Overlays overlays() { return {paths, user}; }
    fs::path state() { return paths.state; }
};

nlohmann::json info_of(const std::string& overlay) {
    return nlohmann::json::parse(run_or_throw({.argv = {"qemu-img", "info", "--output=json", overlay}}));
}

/// The disk as a guest sees it.
std::string disk_of(const std::string& overlay) {
    const auto raw = overlay + ".raw";
    run_or_throw({.argv = {"qemu-img", "convert", "-f", "qcow2", "-O", "raw", overlay, raw}});
    auto bytes = read(raw);
    fs::remove(raw);
    return bytes;
}

TEST_F(OverlaysTest, AFreshOverlayIsAWholeQcow2OnItsPrototype) {
    auto overlays = this->overlays();
    const auto place = overlays.create(7, 1, "basic", disk);
    EXPECT_EQ(place.overlay, state() / "overlays/7/1.qcow2");
    EXPECT_NO_THROW(run_or_throw({.argv = {"qemu-img", "check", place.overlay}}));
    const auto info = info_of(place.overlay);
    EXPECT_EQ(info.at("format"), "qcow2");
    EXPECT_EQ(info.at("virtual-size"), disk);
    EXPECT_EQ(info.at("backing-filename"), place.prototype);
    EXPECT_EQ(info.at("backing-filename-format"), "raw");
    EXPECT_TRUE(disk_of(place.overlay) == read(place.prototype));
    EXPECT_NO_THROW(run_or_throw({.argv = {"e2fsck", "-fn", place.prototype}}));
}

TEST_F(OverlaysTest, AContainersIsAWholeExt4OfItsOwn) {
    auto overlays = this->overlays();
    const auto place = overlays.create(7, 2, "basic", disk, Kind::container);
    EXPECT_EQ(place.overlay, state() / "overlays/7/2.img");
    EXPECT_EQ(place.prototype, "");
    EXPECT_EQ(fs::file_size(place.overlay), disk);
    EXPECT_NO_THROW(run_or_throw({.argv = {"e2fsck", "-fn", place.overlay}}));
    EXPECT_EQ(overlays.place(7, 2, Kind::container).overlay, place.overlay);
    EXPECT_THAT([&] { static_cast<void>(overlays.place(7, 2)); },
                Throws<Error>(Property(&Error::kind, ErrorKind::not_found)));
    struct stat info {};
    ASSERT_EQ(::stat(place.overlay.c_str(), &info), 0);
    EXPECT_LE(info.st_blocks * 512, 2 << 20);
    EXPECT_EQ(info.st_mode & 07777, 0600U);
    overlays.create(7, 3, "basic", disk, Kind::container);
    overlays.drop_others(7, 3);
    EXPECT_FALSE(fs::exists(place.overlay));
    EXPECT_TRUE(fs::exists(state() / "overlays/7/3.img"));
}

TEST_F(OverlaysTest, AFullDiskIsToldFromAFailure) {
    errno = ENOSPC;
    EXPECT_THROW(throw_errno("write", "/dev/full"), DiskFull);
    EXPECT_THROW(write_sparse(UniqueFd(::open("/dev/full", O_WRONLY)).get(), {{{0, "x"}}, 1}, "/dev/full"), DiskFull);
    errno = EACCES;
    EXPECT_THAT([] { throw_errno("write", "/x"); }, Throws<Error>(Property(&Error::kind, ErrorKind::failed)));
    EXPECT_NO_THROW(overlays().expect_room());
}

TEST_F(OverlaysTest, TakesFewBytesOfTheHost) {
    auto overlays = this->overlays();
    struct stat info {};
    ASSERT_EQ(::stat(overlays.create(7, 1, "basic", 1LL << 30).overlay.c_str(), &info), 0);
    EXPECT_LE(info.st_blocks * 512, 64 << 10);
}

TEST_F(OverlaysTest, IsReadByQemusUserAlone) {
    auto overlays = this->overlays();
    const auto place = overlays.create(7, 1, "basic", disk);
    EXPECT_EQ(mode_of(place.overlay), 0600U);
    EXPECT_EQ(mode_of(state() / "overlays/7"), 0700U);
    EXPECT_EQ(mode_of(state() / "overlays"), 0711U);
    EXPECT_EQ(mode_of(state()), 0711U);
    EXPECT_EQ(mode_of(place.prototype), 0444U);
    EXPECT_EQ(mode_of(fs::path(place.prototype).parent_path()), 0755U);
}

TEST_F(OverlaysTest, BelongsToQemusUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    Overlays overlays(paths, "+64055:+107");
    struct stat info {};
    for (const std::string& path : {overlays.create(7, 1, "basic", disk).overlay, (state() / "overlays/7").string()}) {
        ASSERT_EQ(::stat(path.c_str(), &info), 0);
        EXPECT_EQ(info.st_uid, 64055U) << path;
        EXPECT_EQ(info.st_gid, 107U) << path;
    }
}

TEST_F(OverlaysTest, RefusesAUserThatIsNone) {
    for (const std::string text : {"", "root", "0:0", "+1", "+1:2", "+:+", "+1:+x", "+-1:+2"})
        EXPECT_THAT(error_of([&] { Overlays(paths, text); }), StartsWith("usage: '" + text + "'")) << text;
}

TEST_F(OverlaysTest, RepeatedItIsTheSameAndFresh) {
    auto overlays = this->overlays();
    const auto first = overlays.create(7, 1, "basic", disk);
    const auto fresh = read(first.overlay);
    run_or_throw({.argv = {"qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", first.overlay}});
    ASSERT_NE(read(first.overlay), fresh);
    const auto second = overlays.create(7, 1, "basic", disk);
    EXPECT_EQ(second.overlay, first.overlay);
    EXPECT_EQ(read(second.overlay), fresh);
    EXPECT_THAT(names_in(state() / "overlays/7"), ElementsAre("1.qcow2"));
}

TEST_F(OverlaysTest, AWrittenOverlayLeavesItsPrototypeAndItsSiblingsAlone) {
    auto overlays = this->overlays();
    const auto a = overlays.create(1, 1, "basic", disk);
    const auto b = overlays.create(2, 1, "basic", disk);
    const auto before = read(a.prototype);
    run_or_throw({.argv = {"qemu-io", "-f", "qcow2", "-c", "write -P 7 1M 64k", a.overlay}});
    EXPECT_TRUE(read(a.prototype) == before);
    EXPECT_TRUE(disk_of(b.overlay) == before);
    EXPECT_FALSE(disk_of(a.overlay) == before);
}

TEST_F(OverlaysTest, IsFoundAgainByANewDaemon) {
    const auto made = overlays().create(7, 3, "basic", disk);
    const auto found = overlays().place(7, 3);
    EXPECT_EQ(found.overlay, made.overlay);
    EXPECT_EQ(found.prototype, made.prototype);
    EXPECT_THAT(error_of([&] { static_cast<void>(overlays().place(7, 4)); }), StartsWith("not-found: "));
    EXPECT_THAT(error_of([&] { static_cast<void>(overlays().place(8, 3)); }), StartsWith("not-found: "));
}

TEST_F(OverlaysTest, AnOverlayThatNamesAnotherBackingFileIsRefused) {
    auto overlays = this->overlays();
    const auto place = overlays.create(7, 1, "basic", disk);
    for (const std::string& backing :
         {std::string("/etc/passwd"), state().string() + "/prototypes/../../secret/base.raw",
          state().string() + "/prototypes/none/base.raw"}) {
        fs::remove(place.overlay);
        run_or_throw({.argv = {"qemu-img", "create", "-q", "-u", "-f", "qcow2", "-F", "raw", "-b", backing,
                               place.overlay, "64M"}});
        EXPECT_THAT(error_of([&] { static_cast<void>(overlays.place(7, 1)); }), HasSubstr("'" + backing + "'"));
    }
    write(place.overlay, "no qcow2 at all");
    EXPECT_THAT(error_of([&] { static_cast<void>(overlays.place(7, 1)); }), HasSubstr("is no qcow2"));
}

TEST_F(OverlaysTest, FollowsNoLinkThatWasPlantedInAGuestsFolder) {
    auto overlays = this->overlays();
    const auto victim = temp.path() / "victim";
    write(victim, "precious");
    overlays.create(7, 1, "basic", disk);
    fs::create_symlink(victim, state() / "overlays/7/2.qcow2.new");
    fs::create_symlink(victim, state() / "overlays/7/2.qcow2");
    overlays.create(7, 2, "basic", disk);
    EXPECT_EQ(read(victim), "precious");
    EXPECT_FALSE(fs::is_symlink(state() / "overlays/7/2.qcow2"));
    fs::create_symlink(victim, state() / "overlays/7/3.qcow2");
    EXPECT_THROW(static_cast<void>(overlays.place(7, 3)), Error);
    overlays.remove(7);
    EXPECT_EQ(read(victim), "precious");
}

TEST_F(OverlaysTest, AnOlderOneStaysUntilTheOthersAreDropped) {
    auto overlays = this->overlays();
    overlays.create(7, 1, "basic", disk);
    overlays.create(7, 2, "basic", disk);
    EXPECT_NO_THROW(static_cast<void>(overlays.place(7, 1)));
    write(state() / "overlays/7/3.qcow2.new", "cut short");
    overlays.drop_others(7, 2);
    EXPECT_THAT(names_in(state() / "overlays/7"), ElementsAre("2.qcow2"));
    overlays.drop_others(7, 2);
    overlays.drop_others(8, 1);
}

TEST_F(OverlaysTest, RemovesAGuestsFolderOnceAndAgain) {
    auto overlays = this->overlays();
    overlays.create(7, 1, "basic", disk);
    overlays.create(10, 1, "basic", disk);
    overlays.create(9, 1, "basic", disk);
    fs::create_directories(state() / "overlays/not-a-guest");
    EXPECT_THAT(overlays.ids(), ElementsAre(7, 9, 10));
    overlays.remove(9);
    overlays.remove(9);
    EXPECT_THAT(overlays.ids(), ElementsAre(7, 10));
}

TEST_F(OverlaysTest, MovesToLostUnderANameThatIsFree) {
    auto overlays = this->overlays();
    overlays.create(7, 1, "basic", disk);
    const auto first = overlays.move_to_lost(7);
    EXPECT_THAT(overlays.ids(), IsEmpty());
    EXPECT_TRUE(fs::exists(fs::path(first) / "1.qcow2"));
    overlays.create(7, 1, "basic", disk);
    const auto second = overlays.move_to_lost(7);
    EXPECT_NE(second, first);
    EXPECT_THAT(names_in(state() / "lost"), SizeIs(2));
    EXPECT_THAT(error_of([&] { overlays.move_to_lost(7); }), StartsWith("not-found: "));
}

TEST_F(OverlaysTest, OnePrototypePerProfileAndSizeHoweverManyAsk) {
    write(fs::path(paths.profiles) / "other/overlay.yaml", "persistent: [/srv]\n");
    auto overlays = this->overlays();
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i)
        threads.emplace_back([&, i] {
            for (int n = 0; n < 10; ++n) overlays.create(i * 10 + n, 1, n % 2 ? "basic" : "other", disk);
        });
    for (auto& thread : threads) thread.join();
    EXPECT_THAT(overlays.ids(), SizeIs(80));
    EXPECT_THAT(names_in(state() / "prototypes"), SizeIs(2));
    EXPECT_THAT(names_in(state() / "tmp"), IsEmpty());
    std::set<std::string> bases;
    for (const auto id : overlays.ids()) {
        const auto place = overlays.place(id, 1);
        bases.insert(place.prototype);
        EXPECT_NO_THROW(run_or_throw({.argv = {"qemu-img", "check", "-q", place.overlay}}));
    }
    EXPECT_THAT(bases, SizeIs(2));
}

TEST_F(OverlaysTest, AChangedProfileGetsItsOwnPrototypeAndTheOldOverlaysKeepTheirs) {
    const auto before = overlays().create(1, 1, "basic", disk);
    write(fs::path(paths.profiles) / "basic/overlay.yaml", "persistent: [/home, /srv]\n");
    auto overlays = this->overlays();
    const auto after = overlays.create(2, 1, "basic", disk);
    EXPECT_NE(after.prototype, before.prototype);
    EXPECT_EQ(overlays.place(1, 1).prototype, before.prototype);
}

TEST_F(OverlaysTest, ASkeletonIsLaidIntoTheFileSystem) {
    write(fs::path(paths.profiles) / "basic/skeleton/persistent/home/README", "welcome\n");
    const auto place = overlays().create(1, 1, "basic", disk);
    EXPECT_EQ(run_or_throw({.argv = {"debugfs", "-R", "cat /persistent/home/README", place.prototype}}), "welcome\n");
}

TEST_F(OverlaysTest, PrototypesOfEqualProfilesAreEqual) {
    const auto first = overlays().create(1, 1, "basic", disk);
    const auto bytes = read(first.prototype);
    fs::remove_all(state());
    EXPECT_TRUE(read(overlays().create(1, 1, "basic", disk).prototype) == bytes);
}

TEST_F(OverlaysTest, ADiskIsRoundedUpToWholeMiBAndHasALeastSize) {
    auto overlays = this->overlays();
    EXPECT_EQ(info_of(overlays.create(1, 1, "basic", disk - 1).overlay).at("virtual-size"), disk);
    EXPECT_NO_THROW(overlays.create(2, 1, "basic", 16 << 20));
    EXPECT_THAT(error_of([&] { overlays.create(3, 1, "basic", (16 << 20) - 1); }),
                StartsWith("usage: a disk of 16777215 bytes"));
    EXPECT_THAT(overlays.ids(), ElementsAre(1, 2));
}

TEST_F(OverlaysTest, AnUnknownProfileIsNotFoundAndTheKnownOnesAreNamed) {
    write(fs::path(paths.profiles) / "other/overlay.yaml", "persistent: [/srv]\n");
    EXPECT_EQ(error_of([&] { static_cast<void>(overlays().profile("basik")); }),
              "not-found: no profile 'basik' | one of: basic, other");
    EXPECT_THAT(overlays().profile("other").persistent, ElementsAre("/srv"));
}

TEST_F(OverlaysTest, APrototypeMadeUnderAnotherPathIsNotUsed) {
    overlays().create(1, 1, "basic", disk);
    fs::rename(state(), temp.path() / "moved");
    paths.state = temp.path() / "moved";
    EXPECT_THAT(error_of([&] { overlays().create(2, 1, "basic", disk); }), HasSubstr("was moved here"));
}

}  // namespace
}  // namespace drover
