#include "network/frr.hpp"

#include <gmock/gmock.h>

#include "model/error.hpp"

/// What a router is told, and whether it knows it.
namespace drover {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<Announced> one{{"lab-br", "10.90.0.0/20", std::nullopt}};
const std::vector<Announced> both{{"lab-br", "10.90.0.0/20", "fd00:90::/64"}};

RoutingPolicy ospf() { return {.protocol = RoutingProtocol::ospf, .area = "0.0.0.1", .interfaces = {"eth1"}}; }
RoutingPolicy bgp() {
    return {.protocol = RoutingProtocol::bgp, .asn = 65001, .neighbours = {{"10.0.0.1", 65002}, {"fd00::1", 65003}}};
}

TEST(Frr, OspfRunsTowardsRoutersAndIsPassiveTowardsGuests) {
    EXPECT_EQ(announcement(ospf(), one),
              "router ospf\nexit\ninterface eth1\n ip ospf area 0.0.0.1\nexit\n"
              "interface lab-br\n ip ospf area 0.0.0.1\n ip ospf passive\nexit\n");
}

TEST(Frr, OspfOfIpv6IsASecondOne) {
    const auto text = announcement(ospf(), both);
    EXPECT_NE(text.find("router ospf6\nexit\n"), std::string::npos);
    EXPECT_NE(text.find(" ip ospf passive\n ipv6 ospf6 area 0.0.0.1\n ipv6 ospf6 passive\n"), std::string::npos);
}

TEST(Frr, BgpNamesPrefixesByFamily) {
    EXPECT_EQ(announcement(bgp(), both),
              "router bgp 65001\n no bgp ebgp-requires-policy\n neighbor 10.0.0.1 remote-as 65002\n"
              " neighbor fd00::1 remote-as 65003\n address-family ipv4 unicast\n  network 10.90.0.0/20\n"
              "  neighbor 10.0.0.1 activate\n exit-address-family\n address-family ipv6 unicast\n"
              "  network fd00:90::/64\n  neighbor fd00::1 activate\n exit-address-family\nexit\n");
}

TEST(Frr, NothingIsSaidWithoutAProtocolOrANetwork) {
    EXPECT_EQ(announcement({}, both), "");
    EXPECT_EQ(announcement(ospf(), {}), "");
}

TEST(Frr, WhatARunningConfigurationLacksIsFoundWhereItBelongs) {
    const std::string running =
        "Building configuration...\n!\ninterface eth1\n ip ospf area 0.0.0.1\n ip ospf hello-interval 1\nexit\n!\n"
        "interface lab-br\n ip ospf area 0.0.0.1\nexit\n!\nrouter ospf\n ospf router-id 1.1.1.1\nexit\n!\nend\n";
    EXPECT_THAT(missing_in(running, announcement(ospf(), one)), ElementsAre("interface lab-br / ip ospf passive"));
    EXPECT_THAT(missing_in(announcement(ospf(), both), announcement(ospf(), both)), IsEmpty());
    EXPECT_EQ(missing_in("", announcement(ospf(), one)).size(), 6U);
}

TEST(Frr, NeighboursAreAddressesWithAnAs) {
    EXPECT_EQ(parse_neighbour("10.0.0.1 65001"), (Neighbour{"10.0.0.1", 65001}));
    EXPECT_EQ(parse_neighbour("fd00::1 4200000000"), (Neighbour{"fd00::1", 4200000000}));
    for (const auto* text : {"", "10.0.0.1", "10.0.0.1 0", "10.0.0.256 65001", "router 65001", "10.0.0.1 65001 x",
                             "10.0.0.1 4294967295", "10.0.0.1\n 65001", "10.0.0.1  65001"})
        EXPECT_THROW(parse_neighbour(text), Error) << text;
}

}  // namespace
}  // namespace drover
