#include "hypervisor/network_xml.hpp"

#include <gtest/gtest.h>

#include "golden.hpp"
#include "schema.hpp"

namespace drover {
namespace {

constexpr const char* folder = "/var/lib/drover/names";

NetworkSpec spec() {
    return {"drover", "0f3c8d3e-9a54-4c39-8d2b-3c8f4f6f2a10", parse_subnet("10.64.16.0/20"), "drover.internal"};
}

TEST(NetworkXml, IsAsWrittenDown) {
    expect_golden("network.xml", to_xml(spec(), "drover", folder));
    EXPECT_TRUE(is_valid("network", to_xml(spec(), "drover", folder)));
}

TEST(NetworkXml, HasTheShapeOfItsSpec) {
    EXPECT_EQ(read_shape(to_xml(spec(), "drover", folder)), shape_of(spec()));
    auto other = spec();
    other.subnet = parse_subnet("10.64.32.0/20");
    EXPECT_NE(read_shape(to_xml(other, "drover", folder)), shape_of(spec()));
    other = spec();
    other.domain = "lab.internal";
    EXPECT_NE(read_shape(to_xml(other, "drover", folder)), shape_of(spec()));
}

TEST(NetworkXml, AnswersForTheGatewayFromTheStart) {
    const std::vector<HostName> gateway{{parse_address("10.64.16.1"), "gateway"}};
    EXPECT_EQ(read_names(to_xml(spec(), "drover", folder)), gateway);
}

TEST(NetworkXml, FromBeforeNamesHadAFolderGetsOneAndKeepsWhatElseIsInIt) {
    const auto given = brought_up_to_date(R"(<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
        <name>drover</name><metadata><x xmlns='urn:x'/></metadata>
        <dns><host ip='10.64.16.1'><hostname>gateway</hostname></host>
        <host ip='10.64.16.9'><hostname>alice-1</hostname></host>
        <host ip='10.64.16.8'><hostname>alice-2</hostname></host><txt name='t' value='v'/></dns>
        <ip address='10.64.16.1' netmask='255.255.240.0'/>
        <dnsmasq:options><dnsmasq:option value='hostsdir=/moved/names'/><dnsmasq:option value='hostsdir=/srv/hosts'/>
        <dnsmasq:option value='log-queries'/></dnsmasq:options></network>)",
                                   folder);
    EXPECT_TRUE(watches(given, folder));
    EXPECT_TRUE(watches(given, "/srv/hosts"));
    EXPECT_FALSE(watches(given, "/moved/names"));
    for (const auto* kept : {"log-queries", "<txt", "<metadata>"})
        EXPECT_NE(given.find(kept), std::string::npos) << kept;
    EXPECT_EQ(read_names(given), (std::vector<HostName>{{parse_address("10.64.16.1"), "gateway"}}));
    EXPECT_EQ(brought_up_to_date(given, folder), given);
}

TEST(NetworkXml, FromBeforeThereWereOptionsGetsThem) {
    EXPECT_FALSE(watches("<network/>", folder));
    EXPECT_TRUE(watches(brought_up_to_date("<network/>", folder), folder));
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
