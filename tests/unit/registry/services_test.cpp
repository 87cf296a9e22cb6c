// Services of guests, and acts on guests.
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;

class ServicesTest : public RegistryTest {
  protected:
    ServicesTest() {
        add_owner("alice");
        add_owner("bob");
    }

    void make_ready(const std::string& owner, long long count) {
        for (const auto& name : request(asking(owner, count)).created) bring_home(name);
    }
    Operation tell(ServiceVerb verb, const std::string& service, const std::string& glob,
                   const std::optional<std::string>& visible = std::nullopt) {
        return registry_->services.change(root, {verb, service, {.globs = {glob}}}, visible, declared_);
    }
    ServiceRow row(const std::string& name, const std::string& service) {
        for (const auto& found : registry_->services.of(guest(name), declared_))
            if (found.service == service) return found;
        ADD_FAILURE() << "no " << service;
        return {};
    }
    void end(const Operation& operation, const std::string& name, const std::string& trouble,
             ServiceStatus status = ServiceStatus::up) {
        registry_->services.end({{guest(name).id, operation.id, trouble, "web", status}});
    }

    std::vector<Service> services_{{"ssh", 10, true, "", "/etc/ssh"}, {"web", 50, true, "", "/etc/web"}};
    Services::Declared declared_ = [this](const std::string& profile) -> const std::vector<Service>& {
        return profile == "plain" ? services_ : none_;
    };
    std::vector<Service> none_;
};

TEST_F(ServicesTest, AnActOnAReadyGuestIsPendingUntilItHasAnswered) {
    make_ready("alice", 1);
    const auto operation = tell(ServiceVerb::restart, "web", "alice-1");
    EXPECT_EQ(operation.verb, "service-restart");
    EXPECT_EQ(operation.arguments, R"({"globs":["alice-1"],"service":"web"})");
    ASSERT_EQ(operation.items.size(), 1U);
    EXPECT_EQ(operation.items[0].outcome, "pending");
    EXPECT_FALSE(operation.finished);

    pass(std::chrono::seconds(1));
    end(operation, "alice-1", "");
    const auto ended = this->operation(operation.id);
    EXPECT_EQ(ended.outcome, "done");
    EXPECT_TRUE(ended.finished);
    EXPECT_EQ(row("alice-1", "web").status, ServiceStatus::up);
    EXPECT_EQ(row("alice-1", "web").since, time_);
    EXPECT_EQ(row("alice-1", "ssh").status, ServiceStatus::unknown);
}

TEST_F(ServicesTest, WhatFailsFailsItsItemAlone) {
    make_ready("alice", 2);
    const auto operation = tell(ServiceVerb::restart, "web", "alice-*");
    end(operation, "alice-1", "web: restart ended with status 9", ServiceStatus::failed);
    end(operation, "alice-2", "");
    end(operation, "alice-2", "said again", ServiceStatus::down);
    const auto ended = this->operation(operation.id);
    EXPECT_EQ(ended.outcome, "partial");
    EXPECT_EQ(ended.items[0].reason, "web: restart ended with status 9");
    EXPECT_EQ(ended.items[1].outcome, "done") << "an item ends once";
    EXPECT_EQ(row("alice-1", "web").status, ServiceStatus::failed);
}

TEST_F(ServicesTest, OnlyWhatLastsIsDoneToGuestsThatAreNotReady) {
    request(asking("alice", 1));
    const auto refused = tell(ServiceVerb::restart, "web", "alice-1");
    EXPECT_EQ(refused.items[0].outcome, "refused");
    EXPECT_THAT(refused.items[0].reason, HasSubstr("reserved"));
    EXPECT_TRUE(refused.finished);

    EXPECT_EQ(tell(ServiceVerb::disable, "web", "alice-1").items[0].outcome, "done");
    EXPECT_FALSE(row("alice-1", "web").up);
    EXPECT_EQ(tell(ServiceVerb::disable, "web", "alice-1").items[0].outcome, "unchanged");
    EXPECT_EQ(tell(ServiceVerb::enable, "web", "alice-1").items[0].outcome, "done");
    EXPECT_TRUE(row("alice-1", "web").up);
}

TEST_F(ServicesTest, WantedFollowsTheProfileWhereNobodySaidOtherwise) {
    request(asking("alice", 2));
    tell(ServiceVerb::disable, "web", "alice-1");
    services_[1].up = false;
    EXPECT_FALSE(row("alice-1", "web").up);
    EXPECT_FALSE(row("alice-2", "web").up);
    tell(ServiceVerb::enable, "web", "alice-2");
    EXPECT_TRUE(row("alice-2", "web").up);
}

TEST_F(ServicesTest, UnknownServicesAndGuestsOfOthersDoNotExist) {
    make_ready("alice", 1);
    make_ready("bob", 1);
    const auto unknown = error_of([&] { tell(ServiceVerb::restart, "httpd", "alice-1"); });
    EXPECT_EQ(unknown.kind(), ErrorKind::not_found);
    EXPECT_THAT(unknown.hint(), HasSubstr("ssh, web"));
    EXPECT_EQ(error_of([&] { tell(ServiceVerb::restart, "web", "alice-1", "bob"); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { tell(ServiceVerb::restart, "web", "nobody-*"); }).kind(), ErrorKind::not_found);
    EXPECT_EQ(tell(ServiceVerb::restart, "web", "*", "bob").items.size(), 1U);
    EXPECT_EQ(error_of([&] { registry_->services.list({.globs = {"alice-1"}}, "bob", declared_); }).kind(),
              ErrorKind::not_found);
    EXPECT_EQ(error_of([&] { registry_->services.tell_keys(root, {.globs = {"alice-1"}}, "bob"); }).kind(),
              ErrorKind::not_found);
}

TEST_F(ServicesTest, AGuestThatIsNotReadyAnyMoreHasServicesNobodyKnows) {
    make_ready("alice", 1);
    end(tell(ServiceVerb::start, "web", "alice-1"), "alice-1", "");
    change(Verb::stop, {"alice-1"});
    auto before = guest("alice-1");
    auto after = before;
    after.phase = Phase::stopping;
    ASSERT_TRUE(registry_->guests.save(before, after));
    EXPECT_EQ(row("alice-1", "web").status, ServiceStatus::unknown);
    registry_->services.end({{before.id, std::nullopt, "", "web", ServiceStatus::up}});
    EXPECT_EQ(row("alice-1", "web").status, ServiceStatus::unknown) << "what it said before";
}

TEST_F(ServicesTest, ActsStandBesideWhatMovesTheGuest) {
    make_ready("alice", 1);
    const auto one = tell(ServiceVerb::restart, "web", "alice-1");
    const auto two = tell(ServiceVerb::restart, "ssh", "alice-1");
    const auto moved = change(Verb::restart, {"alice-1"});
    EXPECT_EQ(operation(one.id).items[0].outcome, "pending");
    registry_->operations.cancel(root, two.id);
    EXPECT_EQ(operation(two.id).items[0].outcome, "pending") << "it has begun";
    EXPECT_EQ(guest("alice-1").desired, Desired::ready);
    EXPECT_EQ(registry_->services.pending().size(), 2U);
    EXPECT_EQ(registry_->services.pending()[1].service, "ssh");
    end(one, "alice-1", "");
    EXPECT_EQ(operation(one.id).outcome, "done");
    bring_home("alice-1");
    EXPECT_EQ(operation(moved.id).outcome, "done");
}

TEST_F(ServicesTest, NothingIsKeptOfAPassword) {
    make_ready("alice", 1);
    const std::string hash = "$6$salt$" + std::string(86, 'x');
    const auto operation = registry_->services.tell_password(root, {"alice-1", "root", hash}, std::nullopt);
    EXPECT_EQ(operation.verb, "passwd");
    EXPECT_EQ(operation.arguments, R"({"guest":"alice-1","user":"root"})");
    registry_->backup(folder_ / "copy.db");
    std::ifstream copy(folder_ / "copy.db", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(copy), {}};
    EXPECT_EQ(bytes.find("$6$salt"), std::string::npos);
    EXPECT_NE(bytes.find("passwd"), std::string::npos);
}

TEST_F(ServicesTest, KeysAreForGuestsThatAreReady) {
    make_ready("alice", 1);
    request(more("alice", 1));
    const auto operation = registry_->services.tell_keys(root, {.globs = {"alice-*"}}, std::nullopt);
    EXPECT_EQ(operation.verb, "keys");
    EXPECT_EQ(operation.items[0].outcome, "pending");
    EXPECT_EQ(operation.items[1].outcome, "refused");
}

TEST_F(ServicesTest, OfAllThatAreReadyWhoAskedForThemSeesThemInOrder) {
    make_ready("alice", 2);
    request(more("alice", 1));
    const auto all = registry_->services.of_all_ready(declared_);
    ASSERT_EQ(all.size(), 4U);
    EXPECT_EQ(all[0].service, "ssh");
    EXPECT_EQ(all[1].service, "web");
    EXPECT_EQ(registry_->services.list({.all = true}, "alice", declared_).size(), 6U);
}

}  // namespace
}  // namespace drover::test
