#include "network/plan.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model/error.hpp"
#include "network/host_view.hpp"

namespace drover {
namespace {

/// A registry's notes and a host, for plans.
class PlanTest : public testing::Test {
  protected:
    NetworkPlan plan(const std::string& yaml) {
        config = parse_config(yaml, "test.yaml");
        return make_plan(config,
                         {.registry = "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10",
                          .note = [&](const std::string& key) -> std::optional<std::string> {
                              const auto found = notes.find(key);
                              return found == notes.end() ? std::nullopt : std::optional(found->second);
                          },
                          .set_note = [&](const std::string& key, const std::string& value) { notes[key] = value; },
                          .taken = [&] { return taken; },
                          .has_ipv6 = has_ipv6});
    }

    Config config;
    std::map<std::string, std::string> notes;
    std::vector<Subnet> taken;
    bool has_ipv6 = true;
};

TEST_F(PlanTest, OneNetworkIsAsItAlwaysWas) {
    const Network network = plan("").of("");
    EXPECT_EQ(network.title, "drover");
    EXPECT_EQ(network.bridge, "drover-br");
    EXPECT_EQ(network.domain, "drover.internal");
    EXPECT_EQ(network.mode, NetworkMode::nat);
    EXPECT_EQ(network.gateway, network.subnet.gateway());
    EXPECT_EQ(network.users_before, 0U);
    EXPECT_EQ(to_text(*network.subnet6), "fd0f:3c8d:3e9a::/64");
    EXPECT_EQ(to_text(*network.address6({network.subnet.network.value + 9})), "fd0f:3c8d:3e9a::9");
}

TEST_F(PlanTest, WhatWasChosenStays) {
    const auto first = plan("networks: [{name: lab}]").of("lab").subnet;
    taken.push_back(first);
    EXPECT_EQ(plan("networks: [{name: new, cidr: 10.9.0.0/24}, {name: lab}]").of("lab").subnet, first);
    notes = {{"subnet", "10.64.16.0/20"}};
    EXPECT_EQ(to_text(plan("").of("").subnet), "10.64.16.0/20");
}

TEST_F(PlanTest, NetworksKeepClearOfEachOtherAndOfOthers) {
    taken = {parse_subnet("10.64.0.0/20")};
    const auto networks = plan("network: {cidr: 10.64.16.0/20}\nnetworks: [{name: a}, {name: b}]");
    EXPECT_EQ(to_text(networks.of("a").subnet), "10.64.32.0/20");
    EXPECT_EQ(to_text(networks.of("b").subnet), "10.64.48.0/20");
    EXPECT_EQ(networks.of("a").title, "drover-a");
    EXPECT_EQ(networks.of("a").bridge, "drover-a");
    EXPECT_THROW(static_cast<void>(networks.of("c")), Error);
}

TEST_F(PlanTest, AKeptSubnetThatAnotherIsGivenIsRefused) {
    const auto kept = to_text(plan("networks: [{name: a}]").of("a").subnet);
    EXPECT_THROW(plan("network: {cidr: " + kept + "}\nnetworks: [{name: a}]"), Error);
}

TEST_F(PlanTest, UsersOfContainersAreApartAndStay) {
    const auto before = plan("networks: [{name: a}, {name: b, cidr: 10.1.0.0/24}]");
    EXPECT_EQ(before.of("a").users_before, 4096U);
    EXPECT_EQ(before.of("b").users_before, 8192U);
    const auto after = plan("networks: [{name: c, cidr: 10.2.0.0/24}, {name: b, cidr: 10.1.0.0/24}, {name: a}]");
    EXPECT_EQ(after.of("a").users_before, 4096U);
    EXPECT_EQ(after.of("b").users_before, 8192U);
    EXPECT_EQ(after.of("c").users_before, 8192U + 256);
}

TEST_F(PlanTest, WithoutIpv6OnlyWhatIsAskedFor) {
    has_ipv6 = false;
    EXPECT_FALSE(plan("").of("").subnet6);
    has_ipv6 = true;
    EXPECT_FALSE(plan("network: {cidr6: none}").of("").subnet6);
    EXPECT_EQ(to_text(*plan("network: {cidr6: 'fd77::/64'}").of("").subnet6), "fd77::/64");
}

TEST_F(PlanTest, ABridgeOfTheHostsIsTakenAsItIs) {
    const auto networks = plan(
        "networks: [{name: lan, mode: bridge, bridge: br0, cidr: 10.9.0.0/24, gateway: 10.9.0.254, dns: 10.9.0.53, "
        "range: 10.9.0.100-10.9.0.109}]");
    const auto& lan = networks.of("lan");
    EXPECT_EQ(lan.bridge, "br0");
    EXPECT_EQ(lan.room(), 10);
    EXPECT_EQ(to_text(lan.gateway), "10.9.0.254");
    EXPECT_FALSE(lan.subnet6);
}

TEST(HostView, ANetworkThatWouldCutTheHostOffIsRefused) {
    const HostView host{
        .own = {{parse_address("10.1.2.3"), "the address of eth0"}},
        .subnets = {{parse_subnet("10.1.2.0/24"), "a route"}, {parse_subnet("172.16.0.0/16"), "a route"}},
        .subnets6 = {{parse_subnet6("fd12::/64"), "a route"}}};
    EXPECT_NE(conflict(host, network_of(parse_subnet("10.1.0.0/16"))).find("covers 10.1.2.3"), std::string::npos);
    EXPECT_NE(conflict(host, network_of(parse_subnet("172.16.3.0/24"))).find("overlaps 172.16.0.0/16"),
              std::string::npos);
    EXPECT_EQ(conflict(host, network_of(parse_subnet("10.1.3.0/24"))), "");
    auto network = network_of(parse_subnet("10.1.3.0/24"));
    network.subnet6 = parse_subnet6("fd12::/48");
    EXPECT_NE(conflict(host, network).find("overlaps fd12::/64"), std::string::npos);
}

TEST(HostView, ABridgedOneMustSpareWhatTheHostHasThere) {
    const HostView host{.own = {{parse_address("10.1.2.3"), "the address of br0"}},
                        .subnets = {{parse_subnet("10.1.2.0/24"), "a route"}},
                        .subnets6 = {}};
    auto network = network_of(parse_subnet("10.1.2.0/24"));
    network.mode = NetworkMode::bridge;
    EXPECT_NE(conflict(host, network).find("covers 10.1.2.3"), std::string::npos);
    network.first = parse_address("10.1.2.100");
    network.last = parse_address("10.1.2.199");
    EXPECT_EQ(conflict(host, network), "");
}

}  // namespace
}  // namespace drover
