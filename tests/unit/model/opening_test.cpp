#include "model/opening.hpp"

#include <gtest/gtest.h>

#include "model/error.hpp"

namespace drover {
namespace {

TEST(ServicePort, IsANumberAndAProtocol) {
    EXPECT_EQ(parse_service_port("1098/tcp"), (ServicePort{1098, Protocol::tcp}));
    EXPECT_EQ(to_text(parse_service_port("65535/udp")), "65535/udp");
    for (const auto* bad :
         {"", "0/tcp", "65536/tcp", "ssh", "ssh/tcp", "22", "22/", "/tcp", "22/TCP", "22/icmp", "1-2/tcp", "-1/tcp",
          "022/tcp", "22 /tcp", "22/tcp ", "22/tcp/udp", "+22/tcp", "2a/tcp", "99999999999/tcp"})
        EXPECT_THROW(parse_service_port(bad), Error) << bad;
}

TEST(PortRule, CoversWhatItSays) {
    const std::vector rules{parse_port_rule("22/tcp"), parse_port_rule("6000-6063")};
    EXPECT_TRUE(covers(rules, {22, Protocol::tcp}));
    EXPECT_FALSE(covers(rules, {22, Protocol::udp}));
    EXPECT_TRUE(covers(rules, {6063, Protocol::udp}));
    EXPECT_FALSE(covers(rules, {6064, Protocol::udp}));
    for (const auto* rule : {"22/tcp", "6000-6063", "80-90/udp"}) EXPECT_EQ(to_text(parse_port_rule(rule)), rule);
    for (const auto* bad : {"", "-", "90-80", "0-5", "1-", "-1", "1-65536", "22/", "22/x"})
        EXPECT_THROW(parse_port_rule(bad), Error) << bad;
}

TEST(Source, IsANetworkWithoutBitsOfAHost) {
    for (const auto* good : {"192.168.7.0/24", "192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "2001:db8::1"})
        EXPECT_EQ(to_text(parse_source(good)), good);
    EXPECT_EQ(to_text(parse_source("192.0.2.7/32")), "192.0.2.7");
    EXPECT_TRUE(is_everybody(parse_source("0.0.0.0/0")));
    for (const auto* bad :
         {"", "10.0.0.1/8", "10.0.0.0/33", "10.0.0/8", "outside", "10.0.0.0/", "10.0.0.0/08", "::/129", "127.0.0.1",
          "224.0.0.0/4", "239.1.1.1", "0.0.0.0", "::1", "ff02::1", "2001:db8::1/32"})
        EXPECT_THROW(parse_source(bad), Error) << bad;
}

TEST(Source, LiesInASubnetOrNot) {
    const auto subnet = parse_subnet("10.77.0.0/20");
    EXPECT_TRUE(parse_source("10.77.3.0/24").lies_in(subnet));
    EXPECT_TRUE(parse_source("10.77.0.0/20").lies_in(subnet));
    EXPECT_FALSE(parse_source("10.77.0.0/16").lies_in(subnet));
    EXPECT_FALSE(parse_source("10.78.0.1").lies_in(subnet));
    EXPECT_FALSE(parse_source("2001:db8::/32").lies_in(subnet));
}

}  // namespace
}  // namespace drover
