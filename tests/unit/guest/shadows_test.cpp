#include "guest/shadows.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>

#include "control/fields.hpp"
#include "folder.hpp"
#include "guest/files.hpp"
#include "guest/reset.hpp"
#include "guest/seed.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

FileForm file(const std::string& content, unsigned mode = 0644) {
    return {FileForm::Kind::file, mode, 0, 0, content.size(), control::sha256_hex(content).substr(0, form_digits)};
}
FileForm link(const std::string& target) {
    auto form = file(target, 0777);
    form.kind = FileForm::Kind::link;
    return form;
}
const FileForm absent{};
const FileForm folder{FileForm::Kind::folder, 0755, 0, 0};

/// A root, and an overlay seeded from it. Tests that need root's rights run as root, as everything here does.
struct ShadowTest : testing::Test {
    Folder root, overlay;
    const Profile profile{
        .name = "", .persistent = {"/srv"}, .merged = {"/etc/app", "/etc/own"}, .volatile_ = {"/tmp"}};

    void SetUp() override {
        for (const auto* path : {"etc/app/conf", "etc/app/dir/a", "srv/data", "srv/dir/a", "etc/own"})
            put_root(path, "one");
        fs::create_directories(overlay / ".drover/state");  // as laying out does
        boot();
    }
    void put_root(const std::string& path, const std::string& content) const {
        write(root / path, content);
        fs::permissions(root / path, fs::perms(0644));
        const timeval times[2]{};  // as lib.sh makes all roots
        utimes((root / path).c_str(), times);
    }
    void put(const std::string& path, const std::string& content) const {
        write(overlay / path, content);
        fs::permissions(overlay / path, fs::perms(0644));
    }
    void white_out(const std::string& path) const {
        fs::create_directories((overlay / path).parent_path());
        ASSERT_EQ(mknod((overlay / path).c_str(), S_IFCHR, makedev(0, 0)), 0);
    }
    void make_opaque(const std::string& path) const {
        fs::create_directories(overlay / path);
        ASSERT_EQ(setxattr((overlay / path).c_str(), "user.overlay.opaque", "y", 1, 0), 0);
    }
    void boot() const {
        reset_paths(profile, root.path(), overlay.path());
        seed(profile, root.path(), overlay.path());
    }
    std::optional<Hiding> hiding(const std::string& path, const FileForm& was, const FileForm& is) const {
        const auto region = region_of(profile, root.path(), path);
        return region ? hiding_of(*region, overlay.path(), {path, was, is}) : std::nullopt;
    }
    std::optional<Hiding> patched(const std::string& path) const { return hiding(path, file("one"), file("two")); }
    void reset(const std::vector<PathChange>& changes) const {
        put_reset_list(overlay / ".drover/state", changes);
        boot();
    }
};

TEST_F(ShadowTest, what_the_root_shows_itself_and_what_is_volatile_is_not_hidden) {
    EXPECT_EQ(patched("/etc/motd"), std::nullopt);
    EXPECT_EQ(patched("/tmp/file"), std::nullopt);
    EXPECT_EQ(patched("/etc/application"), std::nullopt);
}

TEST_F(ShadowTest, nothing_is_hidden_in_a_merged_folder_that_nobody_touched) {
    EXPECT_EQ(patched("/etc/app/conf"), std::nullopt);
    EXPECT_EQ(patched("/etc/app/dir/a"), std::nullopt);
    EXPECT_EQ(hiding("/etc/app/new", absent, file("two")), std::nullopt);
    put("etc/app/dir/other", "mine");
    EXPECT_EQ(patched("/etc/app/dir/a"), std::nullopt);
    EXPECT_EQ(hiding("/etc/app/dir", folder, absent), std::nullopt);
}

TEST_F(ShadowTest, a_merged_folder_hides_by_files_whiteouts_opaque_folders_and_links) {
    put("etc/app/conf", "mine");
    EXPECT_EQ(patched("/etc/app/conf"), Hiding::edited);
    EXPECT_EQ(hiding("/etc/app/conf", file("one"), absent), Hiding::edited);
    EXPECT_EQ(hiding("/etc/app/conf", absent, file("two")), Hiding::replaced);
    EXPECT_EQ(hiding("/etc/app/conf", folder, folder), Hiding::replaced);
    white_out("etc/app/gone");
    EXPECT_EQ(patched("/etc/app/gone"), Hiding::deleted);
    EXPECT_EQ(patched("/etc/app/gone/deep/file"), Hiding::deleted);
    EXPECT_EQ(hiding("/etc/app/gone", file("one"), absent), std::nullopt) << "both deleted it";
    make_opaque("etc/app/dir");
    EXPECT_EQ(patched("/etc/app/dir/a"), Hiding::opaque);
    EXPECT_EQ(hiding("/etc/app/dir/new/deep", absent, file("two")), Hiding::opaque);
    EXPECT_EQ(hiding("/etc/app/dir/a", file("one"), absent), std::nullopt);
    fs::create_symlink("mine", overlay / "etc/app/link");
    EXPECT_EQ(hiding("/etc/app/link", link("one"), link("two")), Hiding::edited);
    EXPECT_EQ(patched("/etc/app/link"), Hiding::replaced);
    EXPECT_EQ(patched("/etc/app/conf/below"), Hiding::replaced);
    fs::create_directories(overlay / "etc/app/folder");
    EXPECT_EQ(patched("/etc/app/folder"), Hiding::replaced);
}

TEST_F(ShadowTest, what_was_only_copied_up_hides_and_what_is_as_the_new_root_has_it_does_not) {
    put("etc/app/conf", "one");
    EXPECT_EQ(patched("/etc/app/conf"), Hiding::edited);
    put("etc/app/conf", "two");
    EXPECT_EQ(patched("/etc/app/conf"), std::nullopt);
    EXPECT_EQ(hiding("/etc/app/conf", file("one"), file("two", 0600)), Hiding::edited);
}

TEST_F(ShadowTest, a_link_on_the_way_is_not_followed) {
    put("elsewhere/a", "mine");
    fs::create_directory_symlink(overlay / "elsewhere", overlay / "etc/app/dir");
    EXPECT_EQ(patched("/etc/app/dir/a"), Hiding::replaced);
    EXPECT_EQ(hiding("/etc/app/dir/a", file("one"), absent), std::nullopt);
}

TEST_F(ShadowTest, a_copy_that_nobody_touched_is_told_apart) {
    EXPECT_EQ(patched("/srv/data"), Hiding::copy);
    EXPECT_EQ(patched("/etc/own"), Hiding::copy);
    EXPECT_EQ(hiding("/srv/data", file("of an earlier root"), file("two")), Hiding::copy) << "it was never written";
    put("srv/data", "mine");
    put("etc/own", "mine");
    EXPECT_EQ(patched("/srv/data"), Hiding::edited);
    EXPECT_EQ(patched("/etc/own"), Hiding::edited);
    put("srv/data", "two");
    EXPECT_EQ(patched("/srv/data"), std::nullopt);
}

TEST_F(ShadowTest, a_persistent_path_hides_by_what_it_lacks) {
    EXPECT_EQ(hiding("/srv/new", absent, file("two")), std::nullopt) << "it comes with the next boot";
    fs::remove(overlay / "srv/data");
    EXPECT_EQ(patched("/srv/data"), Hiding::deleted);
    EXPECT_EQ(hiding("/srv/data", file("one"), absent), std::nullopt);
    fs::remove_all(overlay / "srv/dir");
    EXPECT_EQ(patched("/srv/dir/a"), Hiding::deleted);
    put("srv/dir", "mine");
    EXPECT_EQ(patched("/srv/dir/a"), Hiding::replaced);
}

TEST_F(ShadowTest, a_file_that_is_shared_with_the_user_hides_by_what_the_user_wrote) {
    const auto hiding = [&] {
        return hiding_around_block(overlay.path(), {"/etc/hosts", file("one\n"), file("two\n")});
    };
    EXPECT_EQ(hiding(), std::nullopt);
    for (const auto* untouched : {"one\n", "two\n", ""}) {
        put("etc/hosts", with_block(untouched, "10.0.0.2 alice-1\n"));
        EXPECT_EQ(hiding(), std::nullopt) << untouched;
    }
    put("etc/hosts", with_block("one\n", "10.0.0.2 alice-1\n") + "10.0.0.9 mine\n");
    EXPECT_EQ(hiding(), Hiding::edited);
}

TEST_F(ShadowTest, a_reset_lets_the_new_root_show_and_keeps_what_the_user_had) {
    put("etc/app/conf", "mine");
    put("etc/app/removed", "mine");
    put("etc/app/my-own", "mine");
    white_out("etc/app/gone");
    make_opaque("etc/app/dir");
    put("srv/data", "mine");
    fs::remove_all(overlay / "srv/dir");
    for (const auto* path : {"etc/app/conf", "etc/app/gone", "etc/app/dir/a", "srv/data", "srv/dir/a"})
        put_root(path, "two");
    std::vector<PathChange> changes{{"/etc/app/removed", file("one"), absent}};
    for (const auto* path : {"/etc/app/conf", "/etc/app/gone", "/etc/app/dir/a", "/srv/data", "/srv/dir/a"})
        changes.push_back({path, file("one"), file("two")});
    reset(changes);
    for (const auto& change : changes)
        EXPECT_EQ(hiding(change.path, change.was, change.is), std::nullopt) << change.path;
    for (const auto* path : {"etc/app/conf", "etc/app/removed", "etc/app/gone"})
        EXPECT_FALSE(fs::exists(fs::symlink_status(overlay / path))) << path;
    EXPECT_EQ(content_of(overlay / "etc/app/my-own"), "mine");
    EXPECT_EQ(content_of(overlay / "srv/data"), "two");
    EXPECT_EQ(content_of(overlay / "srv/dir/a"), "two");
    EXPECT_EQ(content_of(overlay / ".drover/state/aside/1/etc/app/conf"), "mine");
    EXPECT_EQ(content_of(overlay / ".drover/state/aside/1/srv/data"), "mine");
    EXPECT_EQ(content_of(overlay / ".drover/state/reset"), "");
}

TEST_F(ShadowTest, a_reset_waits_for_its_root_and_the_last_word_counts) {
    put("etc/app/conf", "mine");
    reset({{"/etc/app/conf", file("one"), file("two")}});
    EXPECT_EQ(content_of(overlay / "etc/app/conf"), "mine");
    put_root("etc/app/conf", "three");
    boot();
    EXPECT_EQ(content_of(overlay / "etc/app/conf"), "mine");
    reset({});
    put_root("etc/app/conf", "two");
    boot();
    EXPECT_EQ(content_of(overlay / "etc/app/conf"), "mine");
}

TEST_F(ShadowTest, a_reset_that_was_cut_short_goes_on) {
    put_root("srv/data", "two");
    fs::rename(overlay / "srv/data", overlay / "aside");  // and then the power went
    write(overlay / ".drover/reset-incoming", "half");
    reset({{"/srv/data", file("one"), file("two")}});
    EXPECT_EQ(content_of(overlay / "srv/data"), "two");
}

}  // namespace
}  // namespace drover::guest
