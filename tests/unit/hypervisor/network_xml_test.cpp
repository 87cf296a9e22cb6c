#include "hypervisor/network_xml.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"
#include "schema.hpp"

namespace drover {
namespace {

NetworkSpec spec() {
    return {"drover", "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10", parse_subnet("10.64.16.0/20"), "drover.internal"};
}

TEST(NetworkXml, IsAsWrittenDown) {
    expect_golden("network.xml", to_xml(spec(), "drover"));
    EXPECT_TRUE(is_valid("network", to_xml(spec(), "drover")));
}

TEST(NetworkXml, HasTheShapeOfItsSpec) {
    EXPECT_EQ(read_shape(to_xml(spec(), "drover")), shape_of(spec()));
    auto other = spec();
    other.subnet = parse_subnet("10.64.32.0/20");
    EXPECT_NE(read_shape(to_xml(other, "drover")), shape_of(spec()));
    other = spec();
    other.domain = "lab.internal";
    EXPECT_NE(read_shape(to_xml(other, "drover")), shape_of(spec()));
}

TEST(NetworkXml, AnswersForTheGatewayFromTheStart) {
    const std::vector<HostName> gateway{{parse_address("10.64.16.1"), "gateway"}};
    EXPECT_EQ(read_names(to_xml(spec(), "drover")), gateway);
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
    EXPECT_EQ(read_connections("<network connections='3'/>"), 3);
    EXPECT_EQ(read_connections("<network/>"), 0);
}

}  // namespace
}  // namespace drover
