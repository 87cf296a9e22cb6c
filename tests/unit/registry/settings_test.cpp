#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Two guests of alice's, and bob, who may have one.
class SettingsTest : public RegistryTest {
  protected:
    SettingsTest() {
        add_owner("alice");
        add_owner("bob", 1);
        request(asking("alice", 2));
    }

    Names set(Setting setting, const std::vector<std::string>& globs, const std::optional<std::string>& visible = {}) {
        setting.selection = {globs, std::nullopt, false};
        Names changed;
        for (const Guest& guest : registry_->guests.set(root, setting, visible)) changed.push_back(guest.name);
        return changed;
    }
    Names said_to(const std::string& owner, const std::string& kind) {
        Names result;
        for (const Event& event : registry_->events.since(0, 1000, owner))
            if (event.kind == kind) result.push_back(event.guest + ": " + event.message);
        return result;
    }
};

TEST_F(SettingsTest, tell_who_was_otherwise) {
    EXPECT_THAT(set({.is_protected = true}, {"alice-1"}), ElementsAre("alice-1"));
    EXPECT_THAT(set({.is_protected = true}, {"alice-*"}), ElementsAre("alice-2"));
    EXPECT_THAT(set({.is_protected = true}, {"alice-*"}), IsEmpty());
    EXPECT_THAT(said_to("alice", "protection"), ElementsAre("alice-1: root: protected", "alice-2: root: protected"));
}

TEST_F(SettingsTest, refuse_what_destroys_a_protected_guest_and_those_with_it) {
    set({.is_protected = true}, {"alice-2"});
    for (const Verb verb : {Verb::rebuild, Verb::retire}) {
        const Error error = error_of([&] { change(verb, {"alice-*"}); });
        EXPECT_EQ(error.kind(), ErrorKind::refused);
        EXPECT_THAT(error.what(), HasSubstr("'alice-2' is protected"));
        EXPECT_THAT(error.hint(), HasSubstr("--off"));
    }
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
    change(Verb::stop, {"alice-2"});
    set({.is_protected = false}, {"alice-2"});
    change(Verb::retire, {"alice-2"});
    EXPECT_EQ(guest("alice-2").desired, Desired::gone);
}

TEST_F(SettingsTest, give_a_guest_with_its_name_and_tell_both) {
    const auto rev = guest("alice-1").rev;
    EXPECT_THAT(set({.owner = "bob"}, {"alice-1"}), ElementsAre("alice-1"));
    EXPECT_EQ(guest("alice-1").owner, "bob");
    EXPECT_GT(guest("alice-1").rev, rev) << "a step under way would write over it";
    const std::string told = "alice-1: root: given from alice to bob";
    EXPECT_THAT(said_to("alice", "owner"), ElementsAre(told));
    EXPECT_THAT(said_to("bob", "owner"), ElementsAre(told));
    EXPECT_THAT(set({.owner = "bob"}, {"alice-1"}), IsEmpty());
}

TEST_F(SettingsTest, give_no_more_than_the_quota_allows_and_nothing_to_nobody) {
    EXPECT_EQ(error_of([&] { set({.owner = "bob"}, {"alice-*"}); }).kind(), ErrorKind::refused);
    EXPECT_EQ(error_of([&] { set({.owner = "carol"}, {"alice-1"}); }).kind(), ErrorKind::not_found);
    change(Verb::retire, {"alice-2"});
    EXPECT_EQ(error_of([&] { set({.owner = "bob"}, {"alice-2"}); }).kind(), ErrorKind::refused);
    EXPECT_EQ(guest("alice-1").owner, "alice");
}

TEST_F(SettingsTest, concern_no_guests_of_others) {
    EXPECT_EQ(error_of([&] { set({.is_protected = true}, {"alice-1"}, "bob"); }).kind(), ErrorKind::not_found);
    EXPECT_FALSE(guest("alice-1").is_protected);
}

}  // namespace
}  // namespace drover::test
