#include "hypervisor/network_xml.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"
#include "schema.hpp"

namespace drover {
namespace {

const NetworkFolders folders{"/var/lib/drover/names", "/var/lib/drover/reservations"};
constexpr const char* registry = "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10";
constexpr const char* uuid = "8d4f8ab2-3f3c-8d3e-9a54-4c398d2b3c8f";

NetworkSpec spec(NetworkMode mode = NetworkMode::nat) {
    return {.instance = "drover",
            .registry = registry,
            .subnet = parse_subnet("10.64.16.0/20"),
            .domain = "drover.internal",
            .mode = mode,
            .subnet6 = parse_subnet6("fd0f:3c8d:3e9a::/64")};
}

std::string xml_of(const NetworkSpec& spec) { return to_xml(spec, "drover", uuid, folders); }

NetworkSpec bridged() {
    auto spec = drover::spec(NetworkMode::bridge);
    spec.bridge = "br0";
    spec.vlan = 42;
    return spec;
}

TEST(NetworkXml, IsAsWrittenDown) {
    expect_golden("network.xml", xml_of(spec()));
    expect_golden("network_isolated.xml", xml_of(spec(NetworkMode::isolated)));
    expect_golden("network_bridge.xml", xml_of(bridged()));
}

TEST(NetworkXml, IsValidInEveryMode) {
    for (const auto& one : {spec(), spec(NetworkMode::routed), spec(NetworkMode::isolated), bridged()})
        EXPECT_TRUE(is_valid("network", xml_of(one))) << xml_of(one);
}

TEST(NetworkXml, HasTheShapeOfItsSpec) {
    for (const auto& one : {spec(), spec(NetworkMode::isolated), bridged()})
        EXPECT_EQ(read_shape(xml_of(one)), shape_of(one));
    auto other = spec();
    other.subnet = parse_subnet("10.64.32.0/20");
    EXPECT_NE(read_shape(xml_of(other)), shape_of(spec()));
    other = spec();
    other.domain = "lab.internal";
    EXPECT_NE(read_shape(xml_of(other)), shape_of(spec()));
}

TEST(NetworkXml, HasTheFittingsOfItsSpecAndNoOther) {
    for (const auto& one : {spec(), spec(NetworkMode::routed), spec(NetworkMode::isolated), bridged()})
        EXPECT_EQ(read_fittings(xml_of(one)), fittings_of(one, folders));
    EXPECT_NE(fittings_of(spec(), folders), fittings_of(spec(NetworkMode::isolated), folders));
    auto other = spec();
    other.subnet6.reset();
    EXPECT_NE(fittings_of(other, folders), fittings_of(spec(), folders));
    EXPECT_EQ(shape_of(other), shape_of(spec()));
}

TEST(NetworkXml, AnswersForTheGatewayFromTheStart) {
    const std::vector<HostName> gateway{{parse_address("10.64.16.1"), "gateway"}};
    EXPECT_EQ(read_names(xml_of(spec())), gateway);
}

TEST(NetworkXml, WatchesTheFolderThatItHas) {
    EXPECT_TRUE(watches(xml_of(spec()), folders.names));
    EXPECT_FALSE(watches(xml_of(spec()), "/srv/hosts"));
    EXPECT_FALSE(watches("<network/>", folders.names));
}

TEST(NetworkXml, NamesAHostAloneAndInItsDomain) {
    const auto xml = host_xml({parse_address("10.64.16.9"), "alice-1"}, "drover.internal");
    EXPECT_NE(xml.find("<hostname>alice-1</hostname>"), std::string::npos) << xml;
    EXPECT_NE(xml.find("<hostname>alice-1.drover.internal</hostname>"), std::string::npos) << xml;
}

TEST(NetworkXml, OfOtherPeopleIsReadForItsSubnets) {
    const auto subnets = read_subnets(R"(<network connections='3'><name>n</name>
        <ip address='192.168.122.1' netmask='255.255.255.0'/>
        <ip family='ipv4' address='10.1.2.3' prefix='16'/>
        <ip family='ipv6' address='fd00::1' prefix='64'/>
        <route address='10.9.0.0' prefix='16' gateway='192.168.122.2'/>
        </network>)");
    EXPECT_EQ(subnets, (std::vector{parse_subnet("192.168.122.0/24"), parse_subnet("10.1.0.0/16"),
                                    parse_subnet("10.9.0.0/16")}));
    EXPECT_TRUE(read_subnets("<network><name>isolated</name></network>").empty());
}

}  // namespace
}  // namespace drover
