#include "guest/files.hpp"

#include <gtest/gtest.h>

#include "folder.hpp"
#include "model/error.hpp"

namespace fs = std::filesystem;

namespace drover::guest {

TEST(PutFile, makes_content_and_mode_so_and_says_whether_it_had_to) {
    Folder folder;
    EXPECT_TRUE(put_file(folder / "file", "one", 0600));
    EXPECT_FALSE(put_file(folder / "file", "one", 0600));
    EXPECT_TRUE(put_file(folder / "file", "two", 0600));
    EXPECT_TRUE(put_file(folder / "file", "two", 0444));
    EXPECT_EQ(content_of(folder / "file"), "two");
    EXPECT_EQ(mode_of(folder / "file"), 0444U);
    EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 1);
}

TEST(PutFile, takes_the_place_of_a_link_without_following_it) {
    Folder folder;
    write(folder / "target", "kept");
    fs::create_symlink("target", folder / "file");
    EXPECT_TRUE(put_file(folder / "file", "new", 0644));
    EXPECT_EQ(content_of(folder / "target"), "kept");
    EXPECT_FALSE(fs::is_symlink(folder / "file"));
}

TEST(PutFile, appends_to_what_only_grows_where_it_may_be_durable_later) {
    Folder folder;
    put_file(folder / "file", "", 0600);
    const auto inode = inode_of(folder / "file");
    EXPECT_TRUE(put_file(folder / "file", "one\n", 0600, Durable::later));
    EXPECT_TRUE(put_file(folder / "file", "one\ntwo\n", 0600, Durable::later));
    EXPECT_FALSE(put_file(folder / "file", "one\ntwo\n", 0600, Durable::later));
    EXPECT_EQ(content_of(folder / "file"), "one\ntwo\n");
    EXPECT_EQ(inode_of(folder / "file"), inode);

    EXPECT_TRUE(put_file(folder / "file", "one\n2\nthree\n", 0600, Durable::later)) << "what changes is replaced";
    EXPECT_EQ(content_of(folder / "file"), "one\n2\nthree\n");
    EXPECT_NE(inode_of(folder / "file"), inode);
}

TEST(PutFile, survives_what_a_cut_short_run_left) {
    Folder folder;
    write(folder / "file.drover-new", "half");
    EXPECT_TRUE(put_file(folder / "file", "whole", 0644));
    EXPECT_EQ(content_of(folder / "file"), "whole");
}

TEST(PutFile, names_the_file_that_it_cannot_write) {
    Folder folder;
    try {
        put_file(folder / "absent/file", "x", 0644);
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("absent/file"), std::string::npos);
    }
}

TEST(Overwrite, is_seen_by_whoever_has_the_file_open_and_leaves_nothing_of_a_longer_one) {
    Folder folder;
    write(folder / "file", "a long one\n");
    std::ifstream before(folder / "file");
    overwrite(folder / "file", "short\n", 0400);
    EXPECT_EQ((std::string{std::istreambuf_iterator<char>(before), {}}), "short\n");
    EXPECT_EQ(mode_of(folder / "file"), 0400U);
    EXPECT_THROW(overwrite(folder / "absent", "x", 0400), Error);
}

TEST(ReadIfThere, tells_absent_from_empty) {
    Folder folder;
    write(folder / "empty", "");
    write(folder / "long", std::string(100'000, 'x'));
    EXPECT_EQ(read_if_there(folder / "absent"), std::nullopt);
    EXPECT_EQ(read_if_there(folder / "empty"), "");
    EXPECT_EQ(read_if_there(folder / "long"), std::string(100'000, 'x'));
    EXPECT_THROW(read_if_there(folder.path()), Error);
}

TEST(Block, is_appended_then_replaced_and_leaves_the_rest_alone) {
    const auto once = with_block("127.0.0.1 localhost", "10.0.0.1 a\n");
    EXPECT_TRUE(once.starts_with("127.0.0.1 localhost\n#"));
    EXPECT_NE(once.find("\n10.0.0.1 a\n"), std::string::npos);

    const auto twice = with_block(once + "10.9.9.9 mine\n", "10.0.0.2 b\n");
    EXPECT_EQ(twice.find("10.0.0.1"), std::string::npos);
    EXPECT_NE(twice.find("\n10.0.0.2 b\n"), std::string::npos);
    EXPECT_TRUE(twice.ends_with("\n10.9.9.9 mine\n"));
    EXPECT_EQ(with_block(twice, "10.0.0.2 b\n"), twice);
}

}  // namespace drover::guest
