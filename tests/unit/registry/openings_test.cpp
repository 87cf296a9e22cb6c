#include <gmock/gmock.h>

#include "fixture.hpp"

/// Ports that are open for a while: what is given, refused and counted, and that no clock makes it longer.
namespace drover::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr ServicePort port{1098, Protocol::tcp};

class OpeningsTest : public RegistryTest {
  protected:
    OpeningsTest() {
        add_owner("alice");
        add_owner("bob");
        request(asking("alice", 2));
        bring_home("alice-1");
        rules_of_net_.network = network_of(subnet_);
        rules_of_net_.is_free = [](ServicePort) { return true; };
    }
    Openings::Opened open(const ServicePort& which = port, std::optional<Duration> lasts = {},
                          const std::string& source = "") {
        return registry_->openings.open(root, {.guest = "alice-1", .port = which, .lasts = lasts, .source = source},
                                        std::nullopt, rules_of_net_);
    }
    Opening only() {
        const auto all = registry_->openings.list({}, std::nullopt);
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? Opening{} : all.front();
    }
    void reopen() {
        registry_.reset();
        registry_ = std::make_unique<Registry>(options("registry.db"));
        registry_->openings.start_anew();
    }

    Openings::Rules rules_of_net_;
};

TEST_F(OpeningsTest, LastsAsTheSiteSaysAndSaysSoWhenAskedAgain) {
    const auto first = open();
    EXPECT_TRUE(first.is_new);
    EXPECT_EQ(first.opening.left, Duration(90min));
    EXPECT_EQ(first.opening.host_port, 20000);
    pass(30min);
    const auto again = open();
    EXPECT_FALSE(again.is_new);
    EXPECT_EQ(again.opening.left, Duration(60min));
    EXPECT_EQ(error_of([&] { open(port, {}, "192.0.2.0/24"); }).kind(), ErrorKind::refused);
    pass(60min);
    EXPECT_THAT(registry_->openings.list({}, std::nullopt), IsEmpty());
    EXPECT_TRUE(open(port, {}, "192.0.2.0/24").is_new) << "what is over is in nobody's way";
}

TEST_F(OpeningsTest, NoClockAndNoRestartMakesItLonger) {
    registry_->openings.start_anew();
    open(port, 60min);
    time_ -= 24h * 365;  // somebody set the clock
    EXPECT_EQ(only().left, Duration(60min));
    time_ += 24h * 365;
    pass(20min);
    reopen();
    EXPECT_EQ(only().left, Duration(40min));
    time_ += 10min;  // the machine was off for so long
    uptime_ = {"second boot", 1min};
    reopen();
    EXPECT_EQ(only().left, Duration(30min));
    time_ -= 24h;  // it boots with an empty battery
    uptime_ = {"third boot", 1min};
    reopen();
    EXPECT_EQ(only().left, Duration(30min));
    time_ += 48h;
    uptime_ = {"fourth boot", 1min};
    reopen();
    EXPECT_THAT(registry_->openings.list({}, std::nullopt), IsEmpty());
    EXPECT_EQ(registry_->openings.over().size(), 1U);
    registry_->openings.end(registry_->openings.over());
    EXPECT_THAT(registry_->openings.over(), IsEmpty());
}

TEST_F(OpeningsTest, IsExtendedOnceAndNeverBeyondTheLongest) {
    open(port, 60min);
    const OpeningPolicy policy;
    const auto extend = [&](std::optional<Duration> by) {
        return registry_->openings.extend(root, "alice-1", port, by, std::nullopt, policy);
    };
    EXPECT_EQ(error_of([&] { extend(8h); }).kind(), ErrorKind::refused);
    EXPECT_EQ(extend(30min).left, Duration(90min));
    EXPECT_THAT(error_of([&] { extend(1min); }).what(), HasSubstr("was extended before"));
    const auto stale = registry_->openings.over();
    EXPECT_THAT(stale, IsEmpty());
    pass(60min);
    registry_->openings.end({only()});  // seen as over by somebody who had not heard of it
    EXPECT_EQ(only().left, Duration(30min));
}

TEST_F(OpeningsTest, RefusesWhatTheSiteForbids) {
    rules_of_net_.policy.never = {parse_port_rule("6000-6063/tcp")};
    rules_of_net_.policy.most = 2;
    EXPECT_THAT(error_of([&] { open({6001, Protocol::tcp}); }).what(), HasSubstr("never opened"));
    EXPECT_THAT(error_of([&] { open({25, Protocol::tcp}); }).what(), HasSubstr("may not be opened"));
    EXPECT_THAT(error_of([&] { open(port, 9h); }).what(), HasSubstr("longest"));
    EXPECT_THAT(error_of([&] { open(port, {}, "10.77.0.9"); }).what(), HasSubstr("own network"));
    open({6001, Protocol::udp});
    open(port);
    EXPECT_THAT(error_of([&] { open({1099, Protocol::tcp}); }).what(), HasSubstr("2 ports open"));
    EXPECT_EQ(error_of([&] {
                  registry_->openings.open(root, {.guest = "alice-1", .port = port}, "bob", rules_of_net_);
              }).kind(),
              ErrorKind::not_found);
}

TEST_F(OpeningsTest, PortsOfTheHostAreGivenOnceAndInTurn) {
    rules_of_net_.policy.host_ports = {20000, 20003};
    rules_of_net_.is_free = [](ServicePort it) { return it.port != 20001; };
    EXPECT_EQ(open({2001, Protocol::tcp}).opening.host_port, 20000);
    EXPECT_EQ(open({2002, Protocol::tcp}).opening.host_port, 20002);
    registry_->openings.close(root, registry_->openings.get("alice-1", {2001, Protocol::tcp}, std::nullopt));
    EXPECT_EQ(open({2003, Protocol::tcp}).opening.host_port, 20003) << "not at once the one that is free again";
    EXPECT_EQ(open({2004, Protocol::tcp}).opening.host_port, 20000);
    EXPECT_THAT(error_of([&] { open({2005, Protocol::tcp}); }).what(), HasSubstr("no port of the host is free"));
    EXPECT_EQ(open({2005, Protocol::udp}).opening.host_port, 20002);
    rules_of_net_.network.mode = NetworkMode::routed;
    EXPECT_EQ(open({2006, Protocol::tcp}).opening.host_port, std::nullopt) << "who has a route needs none";
}

TEST_F(OpeningsTest, EndsWithTheGuestAndWithItsOwner) {
    open();
    registry_->guests.set(root, {.owner = "bob", .selection = {.globs = {"alice-1"}}}, std::nullopt);
    EXPECT_THAT(registry_->openings.list({}, std::nullopt), IsEmpty());
    open();
    change(Verb::retire, {"alice-1"});
    EXPECT_THAT(error_of([&] { open({1099, Protocol::tcp}); }).what(), HasSubstr("is being retired"));
    bring_home("alice-1");
    EXPECT_THAT(registry_->openings.over(), IsEmpty());
    EXPECT_THAT(registry_->openings.list({}, std::nullopt), IsEmpty());
    const auto events = registry_->events.since(0, 1000, "bob");
    EXPECT_THAT(events.back().message + events[events.size() - 2].message, HasSubstr("the guest is gone"));
}

}  // namespace
}  // namespace drover::test
