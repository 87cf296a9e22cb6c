#include "hypervisor/subnets.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "hypervisor/networks.hpp"
#include "model/error.hpp"

namespace drover {
namespace {

std::vector<Subnet> subnets(std::initializer_list<const char*> texts) {
    std::vector<Subnet> all;
    for (const auto* text : texts) all.push_back(parse_subnet(text));
    return all;
}

bool is_private(const Subnet& subnet) {
    const auto ranges = subnets({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"});
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Subnet& range) { return range.contains(subnet.network); });
}

TEST(FreeSubnet, IsTheSameWhenNothingChanged) {
    EXPECT_EQ(to_text(free_subnet({})), "10.64.0.0/20");
    EXPECT_EQ(to_text(free_subnet(subnets({"10.64.0.0/20"}))), "10.64.16.0/20");
    EXPECT_EQ(to_text(free_subnet(subnets({"10.64.17.0/24", "10.64.0.0/29"}))), "10.64.32.0/20");
    EXPECT_EQ(to_text(free_subnet(subnets({"10.0.0.0/8"}))), "172.16.0.0/20");
    EXPECT_EQ(to_text(free_subnet(subnets({"10.0.0.0/8", "172.16.0.0/12"}))), "192.168.0.0/20");
}

TEST(FreeSubnet, IsRefusedWhenAllAreTaken) {
    try {
        free_subnet(subnets({"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"}));
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::refused);
        EXPECT_NE(error.hint(), "");
    }
}

RC_GTEST_PROP(FreeSubnet, OverlapsNothingThatIsTaken, ()) {
    const auto one =
        rc::gen::map(rc::gen::pair(rc::gen::inRange<std::uint32_t>(0x0a400000, 0x0a800000), rc::gen::inRange(12, 33)),
                     [](std::pair<std::uint32_t, int> pair) {
                         Subnet subnet{{pair.first}, pair.second};
                         subnet.network.value &= subnet.netmask().value;
                         return subnet;
                     });
    const auto taken = *rc::gen::container<std::vector<Subnet>>(one);
    const auto free = free_subnet(taken);
    RC_ASSERT(free.prefix == 20);
    RC_ASSERT(is_private(free));
    for (const auto& other : taken) RC_ASSERT(!free.overlaps(other));
}

constexpr const char* routes =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
    "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n"
    "eth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
    "drover-br\t0000400A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0\n"
    "tun0\t0100080A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0\n";

TEST(Routes, AreReadWithoutDefaultOnesAndTheInterfaceLeftOut) {
    const std::vector<Subnet> wanted{parse_subnet("192.168.0.0/24"), {parse_address("10.8.0.1"), 32}};
    EXPECT_EQ(subnets_in_routes(routes, "drover-br"), wanted);
    EXPECT_EQ(subnets_in_routes(routes, "").size(), 3);
    EXPECT_TRUE(subnets_in_routes("", "").empty());
    EXPECT_THROW(subnets_in_routes("heading\nnonsense\n", ""), Error);
}

TEST(Routes, OfThisHostHaveItsLoopback) {
    const auto here = subnets_of_host("drover-br");
    EXPECT_NE(std::find(here.begin(), here.end(), parse_subnet("127.0.0.0/8")), here.end());
}

}  // namespace
}  // namespace drover
