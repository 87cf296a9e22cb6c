#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::string blob = "AAAAC3NzaC1lZDI1NTE5AAAAI";
const std::string key_one = "ssh-ed25519 " + blob + std::string(42, 'A') + "B one@example";
const std::string key_two = "ssh-ed25519 " + blob + std::string(42, 'C') + "D two@example";

class OwnersTest : public RegistryTest {
  protected:
    Owners& owners() { return registry_->owners; }
};

TEST_F(OwnersTest, are_made_with_the_default_quota) {
    const auto made = owners().set({"alice", {}, {}, {}}, 7);
    EXPECT_EQ(made.name, "alice");
    EXPECT_EQ(made.quota, 7);
    EXPECT_FALSE(made.login);
    EXPECT_THAT(made.keys, IsEmpty());
}

TEST_F(OwnersTest, keep_what_a_change_does_not_name) {
    owners().set({"alice", 5, Names{key_one}, "al"}, 7);
    owners().set({"alice", {}, {}, {}}, 7);
    const auto same = owners().get("alice");
    EXPECT_EQ(same.quota, 5);
    EXPECT_EQ(same.login, "al");
    EXPECT_THAT(same.keys, ElementsAre(key_one));
    EXPECT_EQ(owners().set({"alice", 9, {}, {}}, 7).quota, 9);
    EXPECT_THAT(owners().set({"alice", {}, Names{}, {}}, 7).keys, IsEmpty());
    EXPECT_EQ(owners().get("alice").login, "al");
}

TEST_F(OwnersTest, have_keys_trimmed_and_each_once) {
    const auto made = owners().set({"alice", {}, Names{"  " + key_two + "\n", key_one, key_two}, {}}, 7);
    EXPECT_THAT(made.keys, ElementsAre(key_two, key_one));
}

TEST_F(OwnersTest, with_a_bad_key_stay_as_they_were) {
    owners().set({"alice", 5, Names{key_one}, {}}, 7);
    EXPECT_EQ(error_of([&] { owners().set({"alice", 9, Names{key_two, "rubbish"}, {}}, 7); }).kind(), ErrorKind::usage);
    EXPECT_EQ(owners().get("alice").quota, 5);
    EXPECT_THAT(owners().get("alice").keys, ElementsAre(key_one));
}

TEST_F(OwnersTest, cannot_share_a_login) {
    owners().set({"alice", {}, {}, "al"}, 7);
    owners().set({"alice", {}, {}, "al"}, 7);
    const auto error = error_of([&] { owners().set({"bob", {}, {}, "al"}, 7); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("'alice'"));
    EXPECT_EQ(error_of([&] { owners().get("bob"); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(owners().of_login("al"), "alice");
    EXPECT_EQ(owners().of_login("eve"), std::nullopt);
}

TEST_F(OwnersTest, lose_their_login_to_an_empty_one) {
    owners().set({"alice", {}, {}, "al"}, 7);
    EXPECT_FALSE(owners().set({"alice", {}, {}, ""}, 7).login);
    EXPECT_EQ(owners().of_login("al"), std::nullopt);
    EXPECT_FALSE(owners().set({"bob", {}, {}, ""}, 7).login) << "any number of owners has none";
    EXPECT_EQ(owners().set({"bob", {}, {}, "al"}, 7).login, "al");
}

TEST_F(OwnersTest, are_listed_by_name_with_their_guests) {
    add_owner("bob");
    add_owner("alice");
    request(asking("bob", 3));
    change(Verb::retire, {"bob-1"});
    const auto all = owners().list();
    ASSERT_THAT(all, SizeIs(2));
    EXPECT_EQ(all[0].name, "alice");
    EXPECT_EQ(all[0].guests, 0);
    EXPECT_EQ(all[1].guests, 2) << "one is on its way to gone";
}

TEST_F(OwnersTest, that_nobody_knows_are_not_found) {
    const auto error = error_of([&] { owners().get("alice"); });
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_STREQ(error.what(), "no owner 'alice'");
    EXPECT_EQ(error.hint(), "drover owner set alice");
    EXPECT_EQ(error_of([&] { owners().remove("alice"); }).kind(), ErrorKind::not_found);
}

TEST_F(OwnersTest, are_not_removed_while_they_have_guests) {
    add_owner("alice");
    request(asking("alice", 1));
    change(Verb::retire, {"alice-1"});
    const auto error = error_of([&] { owners().remove("alice"); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_STREQ(error.what(), "owner 'alice' has 1 guests");
    bring_home("alice-1");
    owners().remove("alice");
    EXPECT_THAT(owners().list(), IsEmpty());
}

TEST_F(OwnersTest, that_are_removed_take_their_keys_and_login_along) {
    owners().set({"alice", {}, Names{key_one}, "al"}, 7);
    owners().remove("alice");
    EXPECT_EQ(owners().of_login("al"), std::nullopt);
    EXPECT_THAT(owners().set({"alice", {}, {}, {}}, 7).keys, IsEmpty());
}

TEST_F(OwnersTest, leave_a_trace_in_the_log) {
    add_owner("alice", 5);
    const auto events = registry_->events.since(0, 10, "alice");
    ASSERT_THAT(events, SizeIs(1));
    EXPECT_EQ(events[0].kind, "operation");
    EXPECT_EQ(events[0].message, "owner 'alice' created: quota 5, login none, 0 keys");
}

}  // namespace
}  // namespace drover::test
