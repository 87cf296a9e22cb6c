#include "guest/seed.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>

#include "folder.hpp"
#include "guest/copy.hpp"
#include "model/error.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

struct Seed : testing::Test {
    Folder root, overlay;
    Profile profile{.name = "",
                    .persistent = {"/root", "/var/lib/app"},
                    .merged = {"/etc/hosts", "/etc/app"},
                    .volatile_ = {},
                    .skeleton = "",
                    .fork = true};

    void SetUp() override {
        write(root / "root/.profile", "first");
        write(root / "root/work/deep/file", "deep");
        fs::create_symlink("work/deep", root / "root/link");
        fs::create_directories(root / "var/lib/app");
        write(root / "etc/hosts", "hosts");
        write(root / "etc/app/conf", "lower");
        fs::permissions(root / "root", fs::perms::owner_all);
    }
    void boot() const { seed(profile, root.path(), overlay.path()); }
};

TEST_F(Seed, brings_the_roots_things_to_their_own_paths) {
    boot();
    EXPECT_EQ(content_of(overlay / "root/.profile"), "first");
    EXPECT_EQ(content_of(overlay / "root/work/deep/file"), "deep");
    EXPECT_EQ(fs::read_symlink(overlay / "root/link"), "work/deep");
    EXPECT_TRUE(fs::is_directory(overlay / "var/lib/app"));
    EXPECT_EQ(content_of(overlay / "etc/hosts"), "hosts");
    EXPECT_EQ(mode_of(overlay / "root"), 0700U);
}

TEST_F(Seed, a_merged_folder_gets_an_empty_one_to_lay_over_it) {
    boot();
    EXPECT_TRUE(fs::is_directory(overlay / "etc/app"));
    EXPECT_TRUE(fs::is_empty(overlay / "etc/app"));
}

TEST_F(Seed, what_the_user_deleted_or_changed_stays_so) {
    boot();
    fs::remove(overlay / "root/.profile");
    write(overlay / "root/work/deep/file", "mine");
    write(overlay / "etc/hosts", "my hosts");
    boot();
    EXPECT_FALSE(fs::exists(overlay / "root/.profile"));
    EXPECT_EQ(content_of(overlay / "root/work/deep/file"), "mine");
    EXPECT_EQ(content_of(overlay / "etc/hosts"), "my hosts");
}

TEST_F(Seed, what_a_later_root_adds_arrives_and_what_it_changes_does_not) {
    boot();
    write(root / "root/.profile", "second");
    write(root / "root/new", "new");
    boot();
    EXPECT_EQ(content_of(overlay / "root/.profile"), "first");
    EXPECT_EQ(content_of(overlay / "root/new"), "new");
}

TEST_F(Seed, what_the_prototype_brought_is_not_overwritten) {
    write(overlay / "root/.profile", "of the skeleton");
    boot();
    EXPECT_EQ(content_of(overlay / "root/.profile"), "of the skeleton");
    fs::remove(overlay / "root/.profile");
    boot();
    EXPECT_FALSE(fs::exists(overlay / "root/.profile"));
}

TEST_F(Seed, a_merged_file_that_was_lost_comes_back_because_it_has_to_be_there) {
    boot();
    fs::remove(overlay / "etc/hosts");
    boot();
    EXPECT_EQ(content_of(overlay / "etc/hosts"), "hosts");
}

TEST_F(Seed, names_of_any_characters) {
    write(root / "root/a\nb c", "odd");
    boot();
    EXPECT_EQ(content_of(overlay / "root/a\nb c"), "odd");
    fs::remove(overlay / "root/a\nb c");
    boot();
    EXPECT_FALSE(fs::exists(overlay / "root/a\nb c"));
}

TEST_F(Seed, completes_a_run_that_was_cut_short_while_copying) {
    write(overlay / ".drover/incoming/0", "half");
    write(overlay / ".drover/incoming/1/half", "half");
    boot();
    EXPECT_EQ(content_of(overlay / "root/.profile"), "first");
    EXPECT_EQ(content_of(overlay / "root/work/deep/file"), "deep");
    EXPECT_TRUE(fs::is_empty(overlay / ".drover/incoming"));
}

TEST_F(Seed, completes_a_run_that_was_cut_short_before_the_record) {
    boot();
    fs::remove(overlay / ".drover/seeded");
    fs::remove_all(overlay / "root/work");
    write(overlay / "root/.profile", "changed since");
    boot();
    EXPECT_EQ(content_of(overlay / "root/work/deep/file"), "deep");
    EXPECT_EQ(content_of(overlay / "root/.profile"), "changed since");
}

TEST_F(Seed, with_nothing_new_nothing_is_written) {
    boot();
    const auto before = fs::last_write_time(overlay / ".drover/seeded");
    boot();
    EXPECT_EQ(fs::last_write_time(overlay / ".drover/seeded"), before);
}

TEST_F(Seed, a_persistent_path_that_is_no_folder_is_named) {
    profile.persistent = {"/etc/hosts"};
    try {
        boot();
        FAIL();
    } catch (const Error& error) {
        EXPECT_STREQ(error.what(), "the persistent path /etc/hosts is no folder in this root");
    }
}

TEST(Copy, keeps_modes_and_times) {
    Folder folder;
    write(folder / "from/file", "x");
    fs::create_symlink("nowhere", folder / "from/link");
    chmod((folder / "from/file").c_str(), 04751);
    const std::array<timespec, 2> times{timespec{1000, 5}, timespec{2000, 7}};
    for (const char* name : {"from/file", "from/link", "from"})
        utimensat(AT_FDCWD, (folder / name).c_str(), times.data(), AT_SYMLINK_NOFOLLOW);

    copy_tree(folder / "from", folder / "to");

    EXPECT_EQ(mode_of(folder / "to/file"), 04751U);
    for (const char* name : {"to/file", "to/link", "to"}) {
        struct stat form {};
        ASSERT_EQ(lstat((folder / name).c_str(), &form), 0);
        EXPECT_EQ(form.st_mtim.tv_sec, 2000) << name;
        EXPECT_EQ(form.st_mtim.tv_nsec, 7) << name;
    }
}

TEST(Copy, never_writes_over_something) {
    Folder folder;
    write(folder / "from", "x");
    write(folder / "to", "y");
    EXPECT_THROW(copy_tree(folder / "from", folder / "to"), Error);
    EXPECT_EQ(content_of(folder / "to"), "y");
}

}  // namespace
}  // namespace drover::guest
