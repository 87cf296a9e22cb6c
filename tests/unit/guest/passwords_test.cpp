#include "guest/passwords.hpp"

#include <gtest/gtest.h>

#include "folder.hpp"
#include "model/error.hpp"

namespace drover::guest {
namespace {

const std::string hash = "$6$salt$" + std::string(86, 'x');
const std::string other = "$6$salt$" + std::string(86, 'y');
const std::string shadow = "root:*:19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n";

TEST(Passwords, take_the_place_of_what_the_root_has) {
    EXPECT_EQ(shadow_with(shadow, "root " + hash + "\n"),
              "root:" + hash + ":19000:0:99999:7:::\nnobody:*:19000:0:99999:7:::\n");
    EXPECT_EQ(shadow_with(shadow, ""), shadow);
}

TEST(Passwords, of_nobody_and_lines_that_are_none_change_nothing) {
    for (const auto& text : {"who " + hash, std::string("root x"), "root:x " + hash, "root " + hash + ":0",
                             std::string("\n\n"), std::string("root")})
        EXPECT_EQ(shadow_with(shadow, text + "\n"), shadow) << text;
    EXPECT_EQ(shadow_with("root\nx", "root " + hash), "root\nx\n") << "a line without fields stays";
}

struct Kept : testing::Test {
    Folder folder;
    std::filesystem::path file = folder / "var/lib/drover/passwords";
    Kept() {
        write(folder / "etc/shadow", shadow);
        std::filesystem::create_directories(file.parent_path());
    }
};

TEST_F(Kept, one_for_each_user_and_only_for_users_that_there_are) {
    remember_password(folder.path(), {1, "root", other});
    remember_password(folder.path(), {2, "nobody", hash});
    remember_password(folder.path(), {3, "root", hash});
    EXPECT_EQ(content_of(file), "nobody " + hash + "\nroot " + hash + "\n");
    EXPECT_EQ(mode_of(file), 0600U);
    EXPECT_THROW(remember_password(folder.path(), {4, "who", hash}), Error);
}

TEST_F(Kept, until_it_was_used) {
    remember_password(folder.path(), {1, "root", hash});
    write(file, content_of(file) + "nobody " + other + "\n");
    write(folder / "run/drover/shadow/own", "");  // as if it were mounted
    std::filesystem::remove(folder / "etc/shadow");
    std::filesystem::create_hard_link(folder / "run/drover/shadow/own", folder / "etc/shadow");
    write(folder / "run/drover/shadow/root", shadow);
    put_passwords_into_force(folder.path());
    EXPECT_EQ(content_of(folder / "etc/shadow"), shadow_with(shadow, "root " + hash + "\nnobody " + other));
    forget_password(folder.path(), "root");
    EXPECT_EQ(content_of(file), "nobody " + other + "\n");
    EXPECT_EQ(content_of(folder / "etc/shadow"), shadow_with(shadow, "nobody " + other));
    forget_password(folder.path(), "root");
    forget_password(folder.path(), "nobody");
    EXPECT_EQ(content_of(folder / "etc/shadow"), shadow);
}

TEST_F(Kept, where_there_never_was_one_nothing_is_done) {
    put_passwords_into_force(folder.path());
    forget_password(folder.path(), "root");
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_FALSE(std::filesystem::exists(folder / "run"));
}

}  // namespace
}  // namespace drover::guest
