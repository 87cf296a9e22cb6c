#include "model/names.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "refusal.hpp"

namespace drover {
namespace {

using Check = void (*)(std::string_view);

void accepts(Check check, const std::vector<std::string>& names) {
    for (const auto& name : names) EXPECT_NO_THROW(check(name)) << name;
}

void refuses(Check check, const std::vector<std::string>& names) {
    for (const auto& name : names)
        EXPECT_NE(refusal([&] { check(name); }).find("'" + name + "'"), std::string::npos) << name;
}

TEST(Names, Owner) {
    accepts(check_owner_name, {"a", "alice", "lab-3", "a--b", std::string(31, 'a')});
    refuses(check_owner_name, {"", "3lab", "-a", "alice-", "Alice", "al ice", "al.ice", "al_ice", "ålice", "alice\n",
                               std::string(32, 'a')});
}

TEST(Names, Guest) {
    accepts(check_guest_name, {"a", "9", "alice-1", std::string(63, 'a')});
    refuses(check_guest_name, {"", "-a", "a-", "a.b", "A", "../a", std::string(64, 'a')});
}

TEST(Names, Instance) {
    accepts(check_instance_name, {"a", "drover", "lab12345"});
    refuses(check_instance_name, {"", "1a", "a-b", "Drover", "lab123456", "a/b"});
}

TEST(Names, PlainNamesSayWhatTheyAre) {
    EXPECT_NO_THROW(check_plain_name("image", "tiny"));
    EXPECT_NE(refusal([] { check_plain_name("image", "../etc"); }).find("'../etc' is no image"), std::string::npos);
}

TEST(Names, Login) {
    accepts(check_login, {"root", "_apt", "www-data", std::string(32, 'a')});
    refuses(check_login, {"", "0day", "-a", "Root", "a b", "a:b", "a$", std::string(33, 'a')});
}

TEST(Names, OfAGuest) { EXPECT_EQ(guest_name("alice", 12), "alice-12"); }

const std::string ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1g0vXHQ1Q3Vx0Jpm0lY2Fv9o6Q5s2kq0Zb2yqXc3dE";

TEST(PublicKey, ReturnsTheLineTrimmed) {
    EXPECT_EQ(check_public_key("  " + ed25519 + " alice@desk\r\n"), ed25519 + " alice@desk");
    EXPECT_EQ(check_public_key(ed25519), ed25519);
}

TEST(PublicKey, RefusesWhatIsNoKey) {
    refusal([] { check_public_key(""); });
    refusal([] { check_public_key("ssh-ed25519"); });
    refusal([] { check_public_key("ssh-ed25519 AAAA"); });
    refusal([] { check_public_key(ed25519 + "!"); });
    refusal([] { check_public_key(ed25519.substr(0, ed25519.size() - 1)); });
    refusal([] { check_public_key(ed25519 + "\n" + ed25519); });
    refusal([] { check_public_key(ed25519 + " a\x1b[31m"); });
    refusal([] { check_public_key(ed25519 + " " + std::string(2048, 'x')); });
    refusal([] { check_public_key("-----BEGIN OPENSSH PRIVATE KEY-----"); });
}

TEST(PublicKey, RefusesOptionsAndUnknownTypes) {
    EXPECT_NE(refusal([] { check_public_key("command=\"sh\" " + ed25519); }).find("command="), std::string::npos);
    EXPECT_NE(refusal([] { check_public_key("ssh-dss AAAAB3NzaC1kc3M="); }).find("'ssh-dss'"), std::string::npos);
}

TEST(PublicKey, RefusesABodyOfAnotherType) {
    refusal([] { check_public_key("ssh-rsa" + ed25519.substr(ed25519.find(' '))); });
}

TEST(Glob, AcceptsNamesAndWildcards) {
    accepts(check_glob, {"alice-1", "*", "alice-?", "a[a-c]*", "a[!0-9]", "-", std::string(255, 'a')});
    refuses(check_glob, {"", "a b", "a/b", "Alice*", "a[", "a[b", "a[]", "a[!]", "a]", "a[*]", "a\\*", "a[[:alpha:]]",
                         "a[^b]", "{a,b}"});
    refusal([] { check_glob(std::string(256, 'a')); });
}

TEST(Glob, Matches) {
    EXPECT_TRUE(glob_matches("alice-1", "alice-1"));
    EXPECT_FALSE(glob_matches("alice-1", "alice-10"));
    EXPECT_TRUE(glob_matches("*", "alice-1"));
    EXPECT_TRUE(glob_matches("*-1", "alice-1"));
    EXPECT_TRUE(glob_matches("a*e-?", "alice-1"));
    EXPECT_FALSE(glob_matches("alice-?", "alice-10"));
    EXPECT_TRUE(glob_matches("alice-[1-3]", "alice-2"));
    EXPECT_FALSE(glob_matches("alice-[!1-3]", "alice-2"));
    EXPECT_TRUE(glob_matches("alice-[!1-3]", "alice-4"));
    EXPECT_FALSE(glob_matches("lice-1", "alice-1"));
}

TEST(Glob, ManyStarsOnALongNameEnd) {
    std::string glob;
    for (int i = 0; i < 60; ++i) glob += "*a";
    EXPECT_FALSE(glob_matches(glob + "*b", std::string(63, 'a')));
}

TEST(Glob, PlainMeansOneName) {
    EXPECT_TRUE(is_plain("alice-1"));
    for (const auto* glob : {"a*", "a?", "[a]"}) EXPECT_FALSE(is_plain(glob));
}

TEST(NaturalOrder, CountsNumbers) {
    std::vector<std::string> names{"alice-10", "bob-1", "alice-2", "alice", "alice-1", "alice-02", "alice-1-b"};
    std::sort(names.begin(), names.end(), natural_less);
    EXPECT_EQ(names,
              (std::vector<std::string>{"alice", "alice-1", "alice-1-b", "alice-02", "alice-2", "alice-10", "bob-1"}));
    EXPECT_TRUE(natural_less("a-99999999999999999999998", "a-99999999999999999999999"));
}

std::string a_name() { return *rc::gen::container<std::string>(rc::gen::element('a', 'b', '0', '1', '9', '-')); }

RC_GTEST_PROP(NaturalOrder, IsAStrictTotalOrder, ()) {
    const auto a = a_name();
    const auto b = a_name();
    const auto c = a_name();
    RC_ASSERT(natural_less(a, b) + natural_less(b, a) == (a == b ? 0 : 1));
    if (natural_less(a, b) && natural_less(b, c)) RC_ASSERT(natural_less(a, c));
}

}  // namespace
}  // namespace drover
