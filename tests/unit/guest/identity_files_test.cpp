#include "guest/identity_files.hpp"

#include <gtest/gtest.h>

#include <map>

#include "folder.hpp"
#include "guest/files.hpp"

namespace fs = std::filesystem;

namespace drover::guest {
namespace {

struct IdentityFiles : testing::Test {
    Folder root;
    Settings settings;
    Introduction introduction{{"alice-1", "drover.internal", "alice", "10.77.0.9/20", "10.77.0.1", "10.77.0.2",
                               "52:54:00:00:00:2a", std::string(32, 'a'), "fd12::9/64", "fd12::1", 1'700'000'000'000},
                              {"ssh-ed25519 A a", "ssh-ed25519 B b"}};

    void SetUp() override {
        for (const char* folder : {"etc/ssh", "root", "var/lib/drover"}) fs::create_directories(root / folder);
        write(root / "etc/hosts", "127.0.0.1 localhost\n");
    }
    void put() const { put_identity_files(root.path(), settings, introduction); }
};

TEST_F(IdentityFiles, say_who_the_guest_is) {
    put();
    EXPECT_EQ(content_of(root / "etc/hostname"), "alice-1\n");
    EXPECT_EQ(content_of(root / "etc/machine-id"), std::string(32, 'a') + "\n");
    EXPECT_EQ(content_of(root / "etc/resolv.conf"), "search drover.internal\nnameserver 10.77.0.2\n");
    const auto hosts = content_of(root / "etc/hosts");
    EXPECT_TRUE(hosts.starts_with("127.0.0.1 localhost\n"));
    EXPECT_NE(hosts.find("\n10.77.0.9 alice-1.drover.internal alice-1\nfd12::9 alice-1.drover.internal alice-1\n"),
              std::string::npos);
}

TEST_F(IdentityFiles, let_the_owner_in_and_keep_what_the_user_added) {
    put();
    EXPECT_EQ(mode_of(root / "root/.ssh"), 0700U);
    EXPECT_EQ(mode_of(root / "root/.ssh/authorized_keys"), 0600U);
    write(root / "root/.ssh/authorized_keys", content_of(root / "root/.ssh/authorized_keys") + "ssh-ed25519 U user\n");

    introduction.authorized_keys = {"ssh-ed25519 C c"};
    put();
    const auto keys = content_of(root / "root/.ssh/authorized_keys");
    EXPECT_NE(keys.find("ssh-ed25519 C c\n"), std::string::npos);
    EXPECT_NE(keys.find("ssh-ed25519 U user\n"), std::string::npos);
    EXPECT_EQ(keys.find("ssh-ed25519 A a"), std::string::npos);
}

TEST_F(IdentityFiles, are_only_the_keys_where_cloud_init_told_the_rest) {
    settings.by_cloud_init = true;
    put();
    EXPECT_NE(content_of(root / "root/.ssh/authorized_keys").find("ssh-ed25519 A a\n"), std::string::npos);
    EXPECT_EQ(content_of(root / "etc/hosts"), "127.0.0.1 localhost\n");
    for (const char* name : {"etc/hostname", "etc/machine-id", "etc/resolv.conf"})
        EXPECT_FALSE(fs::exists(root / name));
}

TEST_F(IdentityFiles, a_template_empties_them_and_its_forks_only_append) {
    write(root / "etc/machine-id", std::string(32, 't') + "\n");
    write(root / "etc/hostname", "template\n");
    empty_identity_files(root.path(), settings);
    empty_identity_files(root.path(), settings);
    std::map<std::string, ino_t> inodes;
    for (const auto& file : identity_files(settings)) {
        inodes[file] = inode_of(below(root.path(), file));
        EXPECT_EQ(content_of(below(root.path(), file)), file == "/etc/hosts" ? "127.0.0.1 localhost\n" : "") << file;
    }

    put();
    EXPECT_TRUE(put_host_key_file(root.path(), settings, std::string(32, 's')));
    for (const auto& [file, inode] : inodes) {
        EXPECT_EQ(inode_of(below(root.path(), file)), inode) << file;
        EXPECT_NE(content_of(below(root.path(), file)), "") << file;
    }
    EXPECT_EQ(content_of(root / "etc/hostname"), "alice-1\n");
    EXPECT_EQ(mode_of(root / "etc/machine-id"), 0444U);
    EXPECT_EQ(mode_of(root / "etc/ssh/ssh_host_ed25519_key"), 0600U);
}

TEST_F(IdentityFiles, an_empty_web_server_gets_a_page_that_says_whose_it_is) {
    settings.first_page = {"/usr/share/form", "/srv/htdocs/index.html"};
    write(root / "usr/share/form", "@NAME@ of @OWNER@, @NAME@\n");
    const auto page = root / "srv/htdocs/index.html";
    put_first_page(root.path(), settings, introduction.identity);  // there is no folder: the user took it away
    EXPECT_FALSE(fs::exists(page));

    fs::create_directories(page.parent_path());
    auto of_a_pool = introduction.identity;
    of_a_pool.owner.clear();
    put_first_page(root.path(), settings, of_a_pool);
    EXPECT_FALSE(fs::exists(page));

    put_first_page(root.path(), settings, introduction.identity);
    EXPECT_EQ(content_of(page), "alice-1 of alice, alice-1\n");
    write(page, "mine\n");
    put_first_page(root.path(), settings, introduction.identity);
    EXPECT_EQ(content_of(page), "mine\n");
}

TEST_F(IdentityFiles, no_page_where_the_user_has_any) {
    settings.first_page = {"/usr/share/form", "/srv/htdocs/index.html"};
    write(root / "usr/share/form", "@NAME@\n");
    write(root / "srv/htdocs/mine.html", "mine\n");
    put_first_page(root.path(), settings, introduction.identity);
    EXPECT_FALSE(fs::exists(root / "srv/htdocs/index.html"));
}

TEST_F(IdentityFiles, a_repetition_writes_nothing) {
    put();
    const auto hosts = inode_of(root / "etc/hosts");
    const auto keys = inode_of(root / "root/.ssh/authorized_keys");
    put();
    EXPECT_EQ(inode_of(root / "etc/hosts"), hosts);
    EXPECT_EQ(inode_of(root / "root/.ssh/authorized_keys"), keys);
}

TEST_F(IdentityFiles, the_last_introduction_is_remembered_whole) {
    EXPECT_EQ(recall(root.path()), std::nullopt);
    remember(root.path(), introduction);
    EXPECT_EQ(recall(root.path()), introduction);
    EXPECT_EQ(mode_of(root / "var/lib/drover/identity"), 0600U);
}

TEST_F(IdentityFiles, a_damaged_memory_is_none) {
    remember(root.path(), introduction);
    const auto text = content_of(root / "var/lib/drover/identity");
    for (const auto& damaged :
         {std::string(), std::string("junk\n"), text.substr(0, text.size() / 2), text + "junk\n"}) {
        write(root / "var/lib/drover/identity", damaged);
        EXPECT_EQ(recall(root.path()), std::nullopt) << damaged;
    }
}

TEST_F(IdentityFiles, the_host_key_is_found_again) {
    const std::string seed(32, 's');
    EXPECT_EQ(read_host_key(root.path(), settings), "");
    EXPECT_TRUE(put_host_key_file(root.path(), settings, seed));
    EXPECT_FALSE(put_host_key_file(root.path(), settings, seed));
    EXPECT_EQ(read_host_key(root.path(), settings).size(), 44U);
    EXPECT_EQ(mode_of(root / "etc/ssh/ssh_host_ed25519_key"), 0600U);
    write(root / "etc/ssh/ssh_host_ed25519_key", "junk");
    EXPECT_EQ(read_host_key(root.path(), settings), "");
}

}  // namespace
}  // namespace drover::guest
