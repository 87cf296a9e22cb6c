#include <thread>

#include "fixture.hpp"
#include "storage/archive.hpp"
#include "storage/copy_store.hpp"
#include "storage/overlays.hpp"
#include "storage/qcow2.hpp"

namespace drover {
namespace {

using testing::HasSubstr;

constexpr long long disk = 64LL << 20;

/// Two overlays, as guests have them.
struct CopiesTest : testing::Test {
    TempFolder temp;
    StoragePaths paths = paths_below(temp.path());
    fs::path state = paths.state;
    Overlays overlays = make_overlays();
    CopyStore copies{state};
    std::string of_vm = overlays.create(7, 1, "basic", disk).overlay;
    std::string of_container = overlays.create(8, 1, "basic", disk, Kind::container).overlay;

    Overlays make_overlays() {
        write(fs::path(paths.profiles) / "basic/overlay.yaml", "persistent: [/home]\n");
        return {paths, "+" + std::to_string(::geteuid()) + ":+" + std::to_string(::getegid())};
    }
    static ArchiveFacts facts(Kind kind, CopyId copy = 5) {
        return {"alice-1", "alice", "tiny", "sha256:11", "basic", kind, copy, "a-registry"};
    }
    /// Data of the guest's own, in the middle of the disk.
    static void change(const std::string& overlay, const std::string& text) {
        const std::string format = overlay.ends_with(".img") ? "raw" : "qcow2";
        run_or_throw({.argv = {"qemu-io", "-f", format, "-c", "write -P " + text + " 32M 64k", overlay}});
    }
    static std::string raw(const std::string& overlay) {
        const std::string format = overlay.ends_with(".img") ? "raw" : "qcow2", to = overlay + ".raw";
        run_or_throw({.argv = {"qemu-img", "convert", "-f", format, "-O", "raw", overlay, to}});
        auto bytes = read(to);
        fs::remove(to);
        return bytes;
    }
    void tar(const fs::path& file, const std::vector<std::string>& members) const {
        std::vector<std::string> argv{"tar", "--create", "--file", file};
        argv.insert(argv.end(), members.begin(), members.end());
        run_or_throw({.argv = argv, .folder = temp.path()});
    }
};

TEST_F(CopiesTest, AreWhatTheOverlayWasAndStayThat) {
    change(of_vm, "1");
    const auto before = read(of_vm);
    EXPECT_GT(copies.make(3, of_vm), 0);
    change(of_vm, "2");
    copies.make(3, of_vm);  // as after a kill before the commit: it is there
    EXPECT_EQ(read(copies.file(3)), before);
    EXPECT_EQ(mode_of(copies.file(3)), 0600U);
    overlays.create_from(copies.file(3), 7, 2, Kind::vm);
    EXPECT_EQ(read(overlays.place(7, 2).overlay), before);
}

TEST_F(CopiesTest, ThatWereCutShortGoAtTheNextStart) {
    write(state / "copies/4.part/overlay", "half");
    const CopyStore again(state);
    EXPECT_FALSE(fs::exists(state / "copies/4.part"));
    EXPECT_THAT(error_of([&] { (void)again.file(4); }), HasSubstr("not-found: no copy"));
}

TEST_F(CopiesTest, FollowNoLinkThatAGuestsQemuPutThere) {
    write(temp.path() / "secret", "of the host's");
    fs::remove(of_vm);
    fs::create_symlink(temp.path() / "secret", of_vm);
    EXPECT_THAT(error_of([&] { copies.make(3, of_vm); }), HasSubstr("no plain file"));
    EXPECT_FALSE(fs::exists(state / "copies/3"));
}

TEST_F(CopiesTest, OfARetiredGuestAreTheOverlayItself) {
    const auto before = read(of_container);
    EXPECT_GT(copies.take(3, of_container), 0);
    EXPECT_FALSE(fs::exists(of_container));
    EXPECT_GT(copies.take(3, of_container), 0) << "again, after a kill before the commit";
    EXPECT_EQ(read(copies.file(3)), before);
    EXPECT_EQ(copies.take(4, of_container), 0) << "there is none";
    copies.remove(3);
    copies.remove(3);
    EXPECT_TRUE(fs::is_empty(state / "copies"));
}

TEST_F(CopiesTest, AnOverlayGoesOnUnderAnotherNumber) {
    const auto before = read(of_vm);
    overlays.carry_over(7, 1, 2, Kind::vm);
    overlays.carry_over(7, 1, 2, Kind::vm);
    EXPECT_EQ(read(overlays.place(7, 2).overlay), before);
    EXPECT_THAT(error_of([&] { overlays.carry_over(7, 8, 9, Kind::vm); }), HasSubstr("not-found: no overlay"));
}

TEST_F(CopiesTest, AnArchiveHoldsAllOfAnOverlayOfEitherKind) {
    for (const auto& [kind, overlay] : {std::pair(Kind::vm, of_vm), std::pair(Kind::container, of_container)}) {
        change(overlay, "7");
        const auto file = temp.path() / (std::string(to_text(kind)) + "/one.tar");
        const auto bytes = write_archive(facts(kind), overlay, file);
        EXPECT_EQ(bytes, static_cast<long long>(fs::file_size(file)));
        write_archive(facts(kind), overlay, file);  // again, after a kill before the commit
        EXPECT_EQ(read_archive(file), facts(kind));
        EXPECT_EQ(names_in(file.parent_path()).size(), 1U);
        EXPECT_THAT(error_of([&, k = kind, o = overlay] { write_archive(facts(k, 6), o, file); }),
                    HasSubstr("another file"));
        overlays.create_from_archive(file, 9, 1, kind);
        EXPECT_EQ(raw(overlays.place(9, 1, kind).overlay), raw(overlay));
    }
    EXPECT_EQ(overlays.place(9, 1).prototype, "") << "nothing backs it";
}

TEST_F(CopiesTest, WhatIsNoArchiveIsRefused) {
    write(temp.path() / "text", "no tar");
    EXPECT_THAT(error_of([&] { read_archive(temp.path() / "text"); }), HasSubstr("refused: '"));
    fs::create_symlink(temp.path() / "text", temp.path() / "link");
    EXPECT_THAT(error_of([&] { read_archive(temp.path() / "link"); }), HasSubstr("no plain file"));
    write(temp.path() / "manifest.json", R"({"drover_archive": 2})");
    tar(temp.path() / "later.tar", {"manifest.json"});
    EXPECT_THAT(error_of([&] { read_archive(temp.path() / "later.tar"); }), HasSubstr("a later Drover"));
}

TEST_F(CopiesTest, AnOverlayFromOutsideNamesNoOtherFile) {
    const auto overlay = temp.path() / "overlay.qcow2";
    const auto complaint = [&](const std::vector<std::string>& options) {
        std::vector<std::string> argv{"qemu-img", "create", "-q", "-f", "qcow2"};
        argv.insert(argv.end(), options.begin(), options.end());
        argv.insert(argv.end(), {overlay, "64M"});
        fs::remove(overlay);
        run_or_throw({.argv = argv});
        tar(temp.path() / "evil.tar", {"overlay.qcow2"});
        return error_of([&] { overlays.create_from_archive(temp.path() / "evil.tar", 9, 1, Kind::vm); });
    };
    EXPECT_THAT(complaint({"-b", of_vm, "-F", "qcow2"}), HasSubstr("names a file that backs it"));
    EXPECT_THAT(complaint({"-o", "data_file=" + (temp.path() / "data").string()}),
                HasSubstr("its data in another file"));
    EXPECT_THAT(complaint({"--object", "secret,id=s,data=x", "-o", "encrypt.format=aes,encrypt.key-secret=s"}),
                HasSubstr("is encrypted"));
    fs::remove(overlay);
    fs::create_symlink("/etc/passwd", overlay);
    tar(temp.path() / "evil.tar", {"overlay.qcow2"});
    EXPECT_THAT(error_of([&] { overlays.create_from_archive(temp.path() / "evil.tar", 9, 1, Kind::vm); }),
                HasSubstr("no plain file"));
}

}  // namespace
}  // namespace drover
