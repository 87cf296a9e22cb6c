#include <gmock/gmock.h>

#include <set>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Requests : public RegistryTest {
  protected:
    Requests() { add_owner("alice", 10); }
};

TEST_F(Requests, make_guests_with_all_that_they_need) {
    const auto answer = request(asking("alice", 2));
    EXPECT_THAT(answer.created, ElementsAre("alice-1", "alice-2"));
    EXPECT_THAT(answer.existing, IsEmpty());

    const auto first = guest("alice-1"), second = guest("alice-2");
    EXPECT_EQ(first.owner, "alice");
    EXPECT_EQ(first.image, "tiny");
    EXPECT_EQ(first.profile, "plain");
    EXPECT_EQ(first.host, "local");
    EXPECT_EQ(first.kind, Kind::vm);
    EXPECT_EQ(first.phase, Phase::reserved);
    EXPECT_EQ(first.desired, Desired::ready);
    EXPECT_EQ(first.want, (Make{digest_one, 1, 1}));
    EXPECT_EQ(first.have, Make{});
    EXPECT_EQ(first.operation, answer.operation);
    EXPECT_EQ(first.created, time_);
    EXPECT_EQ(first.address, subnet_.first());
    EXPECT_EQ(second.address.value, subnet_.first().value + 1);
    EXPECT_THAT(first.machine_id, ::testing::MatchesRegex("[0-9a-f]{32}"));
    EXPECT_NE(first.machine_id, second.machine_id);

    const auto pending = operation(answer.operation);
    EXPECT_EQ(pending.outcome, "running");
    EXPECT_EQ(pending.who, "root");
    EXPECT_EQ(pending.verb, "request");
    EXPECT_EQ(pending.arguments, R"({"count":2,"owner":"alice"})");
    EXPECT_EQ(pending.total, 2);
    EXPECT_EQ(pending.items.at(1).outcome, "pending");
    EXPECT_EQ(pending.items.at(1).name, "alice-2");
}

TEST_F(Requests, make_only_the_shortfall) {
    request(asking("alice", 2));
    const auto answer = request(asking("alice", 3));
    EXPECT_THAT(answer.created, ElementsAre("alice-3"));
    EXPECT_THAT(answer.existing, ElementsAre("alice-1", "alice-2"));
}

TEST_F(Requests, are_about_one_network_where_one_is_named) {
    request(asking("alice", 1));
    auto lab = network_of(parse_subnet("10.78.0.0/24"));
    lab.name = "lab";
    auto wanted = asking("alice", 1);
    wanted.network = "lab";
    auto as = defaults();
    as.network = lab;
    EXPECT_THAT(registry_->guests.request(root, wanted, as).created, ElementsAre("alice-2"));
    EXPECT_EQ(guest("alice-2").network, "lab");
    EXPECT_EQ(guest("alice-2").address, lab.first);
    EXPECT_THAT(registry_->guests.request(root, wanted, as).existing, ElementsAre("alice-2"));
    EXPECT_THAT(request(asking("alice", 2)).existing, ElementsAre("alice-1", "alice-2"));
    EXPECT_EQ(registry_->guests.count_by_network(), (std::map<std::string, long long>{{"", 1}, {"lab", 1}}));
    const auto count = registry_->guests.count_addresses(lab);
    EXPECT_EQ(count.used, 1);
    EXPECT_EQ(count.free, 252);
    EXPECT_THAT(request(more("alice", 1)).created, ElementsAre("alice-3"));
    EXPECT_EQ(guest("alice-3").address.value, subnet_.first().value + 1) << "each network has its own line";
}

TEST_F(Requests, with_nothing_to_make_are_done_at_once) {
    request(asking("alice", 3));
    const auto answer = request(asking("alice", 2));
    EXPECT_THAT(answer.created, IsEmpty());
    EXPECT_THAT(answer.existing, SizeIs(3));
    EXPECT_EQ(operation(answer.operation).outcome, "done");
    EXPECT_TRUE(operation(answer.operation).finished);
}

TEST_F(Requests, for_additional_guests_make_them_whatever_there_is) {
    request(asking("alice", 2));
    const auto answer = request(more("alice", 2));
    EXPECT_THAT(answer.created, ElementsAre("alice-3", "alice-4"));
}

TEST_F(Requests, count_stopped_and_faulted_guests_but_not_those_being_retired) {
    request(asking("alice", 3));
    change(Verb::stop, {"alice-1"});
    break_guest("alice-2", "no memory");
    change(Verb::retire, {"alice-3"});
    const auto answer = request(asking("alice", 3));
    EXPECT_THAT(answer.existing, ElementsAre("alice-1", "alice-2"));
    EXPECT_THAT(answer.created, ElementsAre("alice-4"));
    EXPECT_EQ(guest("alice-1").desired, Desired::stopped) << "a request starts nothing that exists";
}

TEST_F(Requests, count_the_guests_that_match_every_selector_given) {
    registry_->images.add("debian", digest_one);
    request(asking("alice", 2));
    auto selecting = asking("alice", 1);
    selecting.image = "debian";
    EXPECT_THAT(request(selecting).created, ElementsAre("alice-3"));
    EXPECT_THAT(request(selecting).existing, ElementsAre("alice-3"));
    EXPECT_EQ(guest("alice-3").image, "debian");
    selecting.profile = "wide";
    EXPECT_THAT(request(selecting).created, ElementsAre("alice-4"));
    selecting.kind = Kind::container;
    EXPECT_THAT(request(selecting).created, ElementsAre("alice-5"));
    EXPECT_EQ(guest("alice-5").kind, Kind::container);
    EXPECT_EQ(guest("alice-5").profile, "wide");
    EXPECT_THAT(request(asking("alice", 5)).existing, SizeIs(5));
}

TEST_F(Requests, beyond_the_quota_reserve_nothing) {
    request(asking("alice", 5));
    const auto error = error_of([&] { request(more("alice", 6)); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_STREQ(error.what(), "owner 'alice' has 5 of 10 guests; 6 more do not fit");
    EXPECT_EQ(error.hint(), "drover owner set alice --quota 11");
    EXPECT_THAT(names({}), SizeIs(5));
    EXPECT_THAT(request(more("alice", 5)).created, SizeIs(5));
}

TEST_F(Requests, count_guests_that_do_not_match_against_the_quota_too) {
    request(asking("alice", 8));
    auto selecting = asking("alice", 3);
    selecting.image = "debian";
    const auto error = error_of([&] { request(selecting); });
    EXPECT_STREQ(error.what(), "owner 'alice' has 8 of 10 guests; 3 more do not fit");
}

TEST_F(Requests, that_need_nothing_ignore_a_quota_that_shrank) {
    request(asking("alice", 5));
    add_owner("alice", 2);
    EXPECT_THAT(request(asking("alice", 5)).existing, SizeIs(5));
    EXPECT_EQ(error_of([&] { request(more("alice", 1)); }).kind(), ErrorKind::refused);
}

TEST_F(Requests, free_quota_as_soon_as_a_guest_is_on_its_way_to_gone) {
    request(asking("alice", 10));
    change(Verb::retire, {"alice-4"});
    EXPECT_THAT(request(more("alice", 1)).created, ElementsAre("alice-11"));
}

TEST_F(Requests, of_an_unknown_owner_name_the_way_to_make_one) {
    const auto error = error_of([&] { request(asking("bob", 1)); });
    EXPECT_EQ(error.kind(), ErrorKind::not_found);
    EXPECT_STREQ(error.what(), "no owner 'bob'");
    EXPECT_EQ(error.hint(), "drover owner set bob");
}

TEST_F(Requests, without_owner_are_for_the_one_with_the_callers_login) {
    registry_->owners.set({"alice", std::nullopt, std::nullopt, "al"}, 0);
    GuestRequest own;
    own.count = 1;
    EXPECT_THAT(registry_->guests.request({"al", false}, own, defaults()).created, ElementsAre("alice-1"));
    EXPECT_EQ(error_of([&] {
                  registry_->guests.request({"eve", false}, own, defaults());
              }).kind(),
              ErrorKind::not_found);
}

TEST_F(Requests, check_the_count) {
    EXPECT_EQ(error_of([&] { request(asking("alice", 0)); }).kind(), ErrorKind::usage);
    EXPECT_EQ(error_of([&] { request(asking("alice", 10001)); }).kind(), ErrorKind::usage);
}

TEST_F(Requests, never_use_a_number_twice) {
    request(asking("alice", 2));
    change(Verb::retire, {"*"});
    bring_home("alice-1");
    bring_home("alice-2");
    registry_->owners.remove("alice");
    open();
    add_owner("alice", 10);
    EXPECT_THAT(request(asking("alice", 1)).created, ElementsAre("alice-3"));
    EXPECT_GT(guest("alice-3").id, guest("alice-2").id);
}

TEST_F(Requests, of_ten_thousand_guests_are_one_transaction) {
    add_owner("crowd", 20000);
    subnet_ = parse_subnet("10.0.0.0/16");
    const auto answer = request(asking("crowd", 10000));
    EXPECT_THAT(answer.created, SizeIs(10000));
    EXPECT_EQ(operation(answer.operation).total, 10000);
    std::set<Address> addresses;
    for (const Guest& made : registry_->guests.list({}, "crowd")) addresses.insert(made.address);
    EXPECT_THAT(addresses, SizeIs(10000));
}

// ---- addresses -----------------------------------------------------------------------------------------------------

class Addresses : public RegistryTest {
  protected:
    Addresses() {
        add_owner("alice", 100);
        subnet_ = parse_subnet("10.77.0.0/29");  // .2 to .6
    }
    std::string address(const std::string& name) { return to_text(guest(name).address); }
    void remove(const std::string& name) {
        change(Verb::retire, {name});
        bring_home(name);
    }
};

TEST_F(Addresses, that_do_not_suffice_reserve_nothing) {
    request(asking("alice", 3));
    const auto error = error_of([&] { request(more("alice", 3)); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("no free address in 10.77.0.0/29"));
    EXPECT_THAT(names({}), SizeIs(3));
    EXPECT_THAT(request(more("alice", 2)).created, ElementsAre("alice-4", "alice-5"));
    EXPECT_EQ(address("alice-5"), "10.77.0.6");
}

TEST_F(Addresses, of_guests_that_are_gone_rest_in_quarantine) {
    request(asking("alice", 5));
    remove("alice-2");
    EXPECT_EQ(error_of([&] { request(more("alice", 1)); }).kind(), ErrorKind::refused);
    pass(quarantine - std::chrono::milliseconds(1));
    EXPECT_EQ(error_of([&] { request(more("alice", 1)); }).kind(), ErrorKind::refused);
    pass(std::chrono::milliseconds(1));
    request(more("alice", 1));
    EXPECT_EQ(address("alice-6"), "10.77.0.3");
}

TEST_F(Addresses, never_used_ones_come_before_those_that_were) {
    request(asking("alice", 3));
    remove("alice-1");
    pass(quarantine);
    request(more("alice", 3));
    EXPECT_EQ(address("alice-4"), "10.77.0.5");
    EXPECT_EQ(address("alice-5"), "10.77.0.6");
    EXPECT_EQ(address("alice-6"), "10.77.0.2") << "around to the gap";
}

TEST_F(Addresses, of_a_guest_that_is_only_being_retired_stay_its_own) {
    request(asking("alice", 5));
    change(Verb::retire, {"alice-1"});
    pass(2 * quarantine);
    EXPECT_EQ(error_of([&] { request(more("alice", 1)); }).kind(), ErrorKind::refused);
}

TEST_F(Addresses, come_from_a_subnet_that_has_changed) {
    request(asking("alice", 2));
    subnet_ = parse_subnet("192.168.7.0/24");
    request(more("alice", 1));
    EXPECT_EQ(address("alice-3"), "192.168.7.2");
}

// ---- idempotency ---------------------------------------------------------------------------------------------------

class Idempotency : public Requests {
  protected:
    static GuestRequest marked(long long count, const std::string& key) {
        auto request = more("alice", count);
        request.idempotency_key = key;
        return request;
    }
};

TEST_F(Idempotency, repeats_the_first_answer) {
    request(asking("alice", 1));
    const auto first = request(marked(2, "k1"));
    change(Verb::retire, {"*"});
    const auto again = request(marked(2, "k1"));
    EXPECT_EQ(again.operation, first.operation);
    EXPECT_EQ(again.created, first.created);
    EXPECT_EQ(again.existing, Names{"alice-1"});
    EXPECT_THAT(names({}), SizeIs(3));
}

TEST_F(Idempotency, refuses_the_key_for_another_request) {
    request(marked(2, "k1"));
    const auto error = error_of([&] { request(marked(3, "k1")); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("'k1'"));
    EXPECT_THAT(request(marked(3, "k2")).created, SizeIs(3));
}

TEST_F(Idempotency, keeps_callers_apart) {
    const auto first = request(marked(1, "k1"));
    const auto other = registry_->guests.request({"somebody", true}, marked(1, "k1"), defaults());
    EXPECT_NE(other.operation, first.operation);
    const auto through = registry_->guests.request({"somebody", false, "web"}, marked(1, "k1"), defaults());
    EXPECT_NE(through.operation, other.operation) << "also one who comes through the gateway";
}

TEST_F(Idempotency, forgets_after_a_day) {
    const auto first = request(marked(1, "k1"));
    pass(std::chrono::hours(24) - std::chrono::milliseconds(1));
    EXPECT_EQ(request(marked(1, "k1")).operation, first.operation);
    pass(std::chrono::milliseconds(1));
    EXPECT_NE(request(marked(1, "k1")).operation, first.operation);
}

TEST_F(Idempotency, forgets_a_request_that_was_refused) {
    EXPECT_EQ(error_of([&] { request(marked(11, "k1")); }).kind(), ErrorKind::refused);
    add_owner("alice", 11);
    EXPECT_THAT(request(marked(11, "k1")).created, SizeIs(11));
}

TEST_F(Idempotency, survives_a_restart) {
    const auto first = request(marked(1, "k1"));
    open();
    EXPECT_EQ(request(marked(1, "k1")).operation, first.operation);
}

}  // namespace
}  // namespace drover::test
