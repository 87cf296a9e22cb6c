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
    void boot(const std::string& version = "") const { seed(profile, root.path(), overlay.path(), version); }
    /// In the roots of images all has the same time.
    void pack() const {
        for (const auto& entry : fs::recursive_directory_iterator(root.path()))
            if (entry.is_directory()) fs::last_write_time(entry, fs::file_time_type(std::chrono::seconds(1)));
    }
    /// The overlay as a guest's end left it that recorded what is right below a persistent path alone.
    void boot_as_of_old() const {
        pack();
        boot();
        std::string record;
        for (const auto* name : {"/etc/hosts", "/root/.profile", "/root/link", "/root/work"})
            record.append(name).push_back('\0');
        write(overlay / ".drover/seeded", record);
    }
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

TEST_F(Seed, what_a_later_root_adds_arrives_at_any_depth) {
    boot("1");
    write(overlay / "root/work/mine", "mine");
    write(root / "root/work/deep/new", "new");
    write(root / "root/work/folder/below/new", "new");
    write(root / "var/lib/app/new", "new");
    boot("2");
    EXPECT_EQ(content_of(overlay / "root/work/deep/new"), "new");
    EXPECT_EQ(content_of(overlay / "root/work/folder/below/new"), "new");
    EXPECT_EQ(content_of(overlay / "var/lib/app/new"), "new");
    EXPECT_EQ(content_of(overlay / "root/work/mine"), "mine");
}

TEST_F(Seed, what_the_user_deleted_or_changed_at_any_depth_stays_so_with_every_later_root) {
    write(root / "root/work/other", "other");
    boot("1");
    fs::remove(overlay / "root/work/deep/file");
    write(overlay / "root/work/other", "mine");
    write(root / "root/work/deep/new", "new");
    for (const auto* version : {"2", "3", "1"}) {
        boot(version);
        EXPECT_FALSE(fs::exists(overlay / "root/work/deep/file"));
        EXPECT_EQ(content_of(overlay / "root/work/other"), "mine");
        EXPECT_EQ(content_of(overlay / "root/work/deep/new"), "new");
    }
}

TEST_F(Seed, what_belongs_into_a_folder_that_the_user_took_away_does_not_arrive) {
    boot("1");
    fs::remove_all(overlay / "root/work/deep");
    write(root / "root/work/deep/new", "new");
    boot("2");
    EXPECT_FALSE(fs::exists(overlay / "root/work/deep"));
    fs::create_directories(overlay / "root/work/deep");
    boot("3");
    EXPECT_TRUE(fs::is_empty(overlay / "root/work/deep")) << "a folder of the user's own";
}

TEST_F(Seed, nothing_is_written_through_what_the_user_put_in_the_place_of_a_folder) {
    boot("1");
    fs::remove_all(overlay / "root/work");
    fs::create_directories(overlay / "var/elsewhere/deep");
    fs::create_symlink("../var/elsewhere", overlay / "root/work");
    write(root / "root/work/new", "new");
    write(root / "root/work/deep/new", "new");
    boot("2");
    EXPECT_FALSE(fs::exists(overlay / "var/elsewhere/new"));
    EXPECT_TRUE(fs::is_empty(overlay / "var/elsewhere/deep"));
}

TEST_F(Seed, what_the_user_made_first_is_kept_and_filled_up) {
    boot("1");
    write(overlay / "root/new/file", "mine");
    write(root / "root/new/file", "the root's");
    write(root / "root/new/more", "more");
    boot("2");
    EXPECT_EQ(content_of(overlay / "root/new/file"), "mine");
    EXPECT_EQ(content_of(overlay / "root/new/more"), "more");
}

TEST_F(Seed, a_root_that_was_gone_through_is_not_gone_through_again) {
    boot("1");
    write(root / "root/new", "new");  // which no root does under the same version
    boot("1");
    EXPECT_FALSE(fs::exists(overlay / "root/new"));
    profile.persistent.emplace_back("/opt");
    fs::create_directories(root / "opt/more");
    boot("1");
    EXPECT_TRUE(fs::exists(overlay / "opt/more")) << "but for other paths it is";
}

TEST_F(Seed, a_file_that_becomes_a_folder_stays_the_users_file) {
    boot("1");
    fs::remove(root / "root/.profile");
    write(root / "root/.profile/part", "new");
    boot("2");
    EXPECT_EQ(content_of(overlay / "root/.profile"), "first");
}

TEST_F(Seed, an_older_record_folders_that_nobody_touched_are_filled_up) {
    boot_as_of_old();
    write(root / "root/work/deep/new", "new");
    write(root / "root/work/folder/new", "new");
    pack();
    boot("2");
    EXPECT_EQ(content_of(overlay / "root/work/deep/new"), "new");
    EXPECT_EQ(content_of(overlay / "root/work/folder/new"), "new");
}

TEST_F(Seed, an_older_record_what_may_have_been_deleted_does_not_come_back) {
    boot_as_of_old();
    fs::remove(overlay / "root/work/deep/file");
    write(root / "root/work/deep/new", "new");
    pack();
    boot("2");
    EXPECT_TRUE(fs::is_empty(overlay / "root/work/deep")) << "nobody knows which of the two the root of then had";
    write(root / "root/work/deep/newer", "newer");
    boot("3");
    EXPECT_FALSE(fs::exists(overlay / "root/work/deep/file"));
    EXPECT_EQ(content_of(overlay / "root/work/deep/newer"), "newer") << "from then on it is known";
}

TEST_F(Seed, an_older_record_is_completed_when_its_first_run_was_cut_short) {
    boot_as_of_old();
    write(root / "root/work/deep/one", "one");
    write(root / "root/work/deep/two", "two");
    pack();
    profile.merged.emplace_back("/etc/not-there");  // so that the run ends before it is finished
    EXPECT_THROW(boot("2"), Error);
    write(overlay / "root/work/deep/one", "one");  // and after this was put in place: the folder has another time now
    profile.merged.pop_back();
    boot("2");
    EXPECT_EQ(content_of(overlay / "root/work/deep/two"), "two");
}

TEST_F(Seed, an_older_guests_end_that_seeds_between_two_newer_ones_loses_nothing) {
    boot("1");
    write(overlay / ".drover/seeded", content_of(overlay / ".drover/seeded") + std::string("/root/old\0", 10));
    write(root / "root/old/kept", "kept");
    write(root / "root/old/deleted", "deleted");
    pack();
    write(overlay / "root/old/kept", "kept");
    boot("2");
    EXPECT_FALSE(fs::exists(overlay / "root/old/deleted"));
    boot("1");
    EXPECT_EQ(content_of(overlay / "root/work/deep/file"), "deep");
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
