#include "model/address.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/error.hpp"
#include "refusal.hpp"

namespace drover {
namespace {

TEST(Address, ReadsAndWritesADottedQuad) {
    EXPECT_EQ(parse_address("10.77.0.2").value, 0x0a4d0002U);
    EXPECT_EQ(to_text(Address{0xffffffffU}), "255.255.255.255");
    EXPECT_EQ(to_text(Address{}), "0.0.0.0");
}

RC_GTEST_PROP(Address, ReadsBackWhatItWrites, (std::uint32_t value)) {
    RC_ASSERT(parse_address(to_text(Address{value})) == Address{value});
}

TEST(Address, RefusesWhatIsNoneAndNamesIt) {
    for (const std::string text :
         {"", "10.77.0", "10.77.0.256", "10.77.0.2 ", "0x0a.1.1.1", "010.0.0.1", "::1", "a.b.c.d"})
        EXPECT_NE(refusal([&] { parse_address(text); }).find("'" + text + "'"), std::string::npos) << text;
    refusal([] { parse_address(std::string_view("10.0.0.1\0x", 10)); });
}

TEST(Subnet, KnowsItsParts) {
    const auto subnet = parse_subnet("10.77.0.0/16");
    EXPECT_EQ(to_text(subnet), "10.77.0.0/16");
    EXPECT_EQ(to_text(subnet.gateway()), "10.77.0.1");
    EXPECT_EQ(to_text(subnet.first()), "10.77.0.2");
    EXPECT_EQ(to_text(subnet.last()), "10.77.255.254");
    EXPECT_EQ(to_text(subnet.netmask()), "255.255.0.0");
    EXPECT_TRUE(subnet.contains(parse_address("10.77.255.255")));
    EXPECT_FALSE(subnet.contains(parse_address("10.78.0.0")));
}

TEST(Subnet, OverlapsInBothDirections) {
    const auto wide = parse_subnet("10.0.0.0/8");
    const auto narrow = parse_subnet("10.77.3.0/24");
    EXPECT_TRUE(wide.overlaps(narrow));
    EXPECT_TRUE(narrow.overlaps(wide));
    EXPECT_FALSE(narrow.overlaps(parse_subnet("10.77.4.0/24")));
}

TEST(Subnet, RefusesBadPrefixesAndHostBits) {
    for (const std::string text : {"10.77.0.0", "10.77.0.0/", "10.77.0.0/7", "10.77.0.0/30", "10.77.0.0/016",
                                   "10.77.0.0/+8", "10.77.0.0/1 ", "10.0.0/8", "/16", "auto"})
        EXPECT_NE(refusal([&] { parse_subnet(text); }).find("'" + text + "'"), std::string::npos) << text;
    EXPECT_NE(refusal([] { parse_subnet("10.77.1.9/16"); }).find("the subnet is 10.77.0.0/16"), std::string::npos);
}

TEST(Address6, IsReadInAnyFormAndWrittenInOne) {
    for (const std::string text : {"fd12:0:0:0::9", "FD12::0009", "fd12::9"})
        EXPECT_EQ(to_text(parse_address6(text)), "fd12::9") << text;
    for (const std::string text : {"", "10.1.2.3", "fd12", "fd12::9/64", "fe80::1%eth0", "::g"})
        EXPECT_NE(refusal([&] { parse_address6(text); }).find("'" + text + "'"), std::string::npos) << text;
}

TEST(Subnet6, HasTheSameNumberForEachAddress) {
    const auto subnet = parse_subnet6("fd12:3456:789a::/64");
    EXPECT_EQ(to_text(subnet.gateway()), "fd12:3456:789a::1");
    EXPECT_EQ(to_text(subnet.at(0x10203)), "fd12:3456:789a::1:203");
    EXPECT_TRUE(subnet.contains(parse_address6("fd12:3456:789a::ffff")));
    EXPECT_FALSE(subnet.contains(parse_address6("fd12:3456:789b::")));
    EXPECT_TRUE(subnet.overlaps(parse_subnet6("fd12::/16")));
    EXPECT_TRUE(parse_subnet6("fd12::/16").overlaps(subnet));
    EXPECT_TRUE(parse_subnet6("fd12::/112").fits(parse_subnet("10.77.0.0/16")));
    EXPECT_FALSE(parse_subnet6("fd12::/113").fits(parse_subnet("10.77.0.0/16")));
}

TEST(Subnet6, RefusesBadPrefixesAndHostBits) {
    for (const std::string text : {"fd12::", "fd12::/", "fd12::/15", "fd12::/121", "fd12::/064", "fd12::/6 ", "auto"})
        EXPECT_NE(refusal([&] { parse_subnet6(text); }).find("'" + text + "'"), std::string::npos) << text;
    EXPECT_NE(refusal([] { parse_subnet6("fd12::9/64"); }).find("the subnet is fd12::/64"), std::string::npos);
}

TEST(Subnet6, OfARegistryIsItsOwnAndEachNetworksToo) {
    const std::string one = "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10", two = "1f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10";
    EXPECT_EQ(to_text(own_subnet6(one, "")), "fd0f:3c8d:3e9a::/64");
    EXPECT_NE(own_subnet6(one, ""), own_subnet6(two, ""));
    EXPECT_NE(own_subnet6(one, ""), own_subnet6(one, "lab"));
    EXPECT_NE(own_subnet6(one, "lab"), own_subnet6(one, "lab2"));
    EXPECT_EQ(own_subnet6(one, "lab"), own_subnet6(one, "lab"));
}

TEST(Users, OfGuestsAreApartAndNobodysElse) {
    constexpr unsigned first = 0x70000000;
    const auto subnet = parse_subnet("10.64.0.0/20");
    EXPECT_EQ(first_uid_of(subnet, parse_address("10.64.0.2"), first), first + 2 * 65536);
    EXPECT_EQ(first_uid_of(subnet, parse_address("10.64.0.3"), first), first + 3 * 65536);
    EXPECT_EQ(first_uid_of(subnet, parse_address("10.64.15.254"), first), first + 4094U * 65536);
    const auto wide = parse_subnet("10.0.0.0/8");
    EXPECT_LT(first_uid_of(wide, parse_address("10.0.143.253"), first), 0xffff0000U);
    try {
        first_uid_of(wide, parse_address("10.0.144.0"), first);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::refused);
        EXPECT_NE(std::string(error.what()).find("10.0.144.0"), std::string::npos);
    }
}

TEST(Mac, CarriesTheLow24BitsOfTheId) {
    EXPECT_EQ(mac_of(1), "52:54:00:00:00:01");
    EXPECT_EQ(mac_of(0xabcdef), "52:54:00:ab:cd:ef");
    EXPECT_EQ(mac_of(0x1000002), "52:54:00:00:00:02");
}

}  // namespace
}  // namespace drover
