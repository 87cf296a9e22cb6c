#include <gmock/gmock.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;
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
    static ListQuery where(const std::string& field, const std::string& value) {
        return {.selection = {}, .gone = false, .where = {{field, value}}};
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

TEST_F(Listing, selects_by_fields) {
    break_guest("alice-3", "no memory");
    bring_home("bob-1");
    EXPECT_EQ(names(where("phase", "ready")), Names{"bob-1"});
    EXPECT_EQ(names(where("name", "alice-3")), Names{"alice-3"});
    EXPECT_EQ(names(where("owner", "bob")), (Names{"bob-1", "bob-2"}));
    EXPECT_EQ(names(where("id", "12")), Names{"bob-1"});
    EXPECT_EQ(names(where("address", "10.77.0.14")), Names{"bob-2"});
    for (const auto& [field, value] : std::map<std::string, std::string>{{"kind", "vm"},
                                                                         {"image", "tiny"},
                                                                         {"version", digest_one},
                                                                         {"profile", "plain"},
                                                                         {"desired", "ready"},
                                                                         {"host", "local"},
                                                                         {"started_by", ""}}) {
        EXPECT_EQ(names(where(field, value)).size(), 13U) << field;
        EXPECT_THAT(names(where(field, "other")), IsEmpty()) << field;
    }
    EXPECT_EQ(names({.selection = {}, .gone = false, .where = {{"owner", "bob"}, {"phase", "reserved"}}}),
              Names{"bob-2"});
}

TEST_F(Listing, refuses_a_field_that_there_is_not) {
    const auto error = error_of([&] { names(where("colour", "red")); });
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_THAT(error.what(), HasSubstr("'colour'"));
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
