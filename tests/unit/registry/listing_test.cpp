#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::IsEmpty;

class Listing : public RegistryTest {
  protected:
    Listing() {
        add_owner("alice");
        add_owner("bob");
        request(asking("alice", 11));
        request(asking("bob", 2));
    }
    static ListQuery globbing(const Names& globs) {
        return {.selection = {globs, {}, false}, .gone = false, .where = {}};
    }
};

TEST_F(Listing, is_in_natural_order) {
    const auto all = names({});
    EXPECT_EQ(all[1], "alice-2");
    EXPECT_EQ(all[9], "alice-10");
    EXPECT_EQ(all[11], "bob-1");
}

TEST_F(Listing, takes_globs_that_may_match_nothing) {
    EXPECT_EQ(names(globbing({"alice-1?", "bob-2"})), (Names{"alice-10", "alice-11", "bob-2"}));
    EXPECT_THAT(names(globbing({"carol-*"})), IsEmpty());
}

TEST_F(Listing, shows_an_owner_only_the_own_guests) {
    EXPECT_EQ(names({}, "bob"), (Names{"bob-1", "bob-2"}));
    EXPECT_THAT(names({.selection = {{}, "alice", false}, .gone = false, .where = {}}, "bob"), IsEmpty());
    EXPECT_EQ(names({.selection = {{}, "bob", false}, .gone = false, .where = {}}), (Names{"bob-1", "bob-2"}));
}

TEST_F(Listing, of_ids_knows_an_owners_guests) {
    EXPECT_EQ(registry_->guests.ids().size(), 13U);
    EXPECT_EQ(registry_->guests.ids_of("bob"), (std::vector<GuestId>{12, 13}));
    EXPECT_EQ(registry_->guests.ids_in(change(Verb::stop, {"*-2"}).id), (std::vector<GuestId>{2, 13}));
    EXPECT_FALSE(registry_->guests.get(99));
    EXPECT_FALSE(registry_->guests.named("nobody"));
}

}  // namespace
}  // namespace drover::test
