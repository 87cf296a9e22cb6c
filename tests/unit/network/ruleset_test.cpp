#include "network/ruleset.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "golden.hpp"
#include "model/error.hpp"
#include "network/listing.hpp"

namespace drover {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

Network network(const char* name, NetworkMode mode, const char* bridge, const char* cidr, const char* cidr6 = "") {
    auto network = network_of(parse_subnet(cidr));
    network.name = name;
    network.mode = mode;
    network.bridge = bridge;
    if (*cidr6 != '\0') network.subnet6 = parse_subnet6(cidr6);
    return network;
}

FirewallPlan plan() {
    return {.instance = "drover",
            .networks = NetworkPlan({network("", NetworkMode::nat, "drover-br", "10.77.0.0/20", "fd00:77::/64"),
                                     network("lab", NetworkMode::routed, "drover-lab", "10.78.0.0/24", "fd00:78::/64"),
                                     network("cell", NetworkMode::isolated, "drover-cell", "10.79.0.0/24"),
                                     network("lan", NetworkMode::bridge, "br0", "192.168.1.0/24")}),
            .openings = {.always = {{.range = {22, 22}, .protocol = Protocol::tcp}}},
            .host_services = {parse_port_rule("8080/tcp")}};
}

GuestLine line() {
    return {.device = "drover-42",
            .mac = "52:54:00:00:00:2a",
            .address = parse_address("10.77.0.9"),
            .address6 = parse_address6("fd00::9"),
            .circle = 3};
}

std::vector<std::string> written(const std::vector<Element>& elements) {
    std::vector<std::string> result;
    for (const auto& it : elements)
        result.push_back(it.family + " " + it.set + " " + it.key + (it.value.empty() ? "" : " : " + it.value));
    return result;
}

TEST(Ruleset, IsAsWritten) { expect_golden("firewall.nft", tables_text(plan())); }

/// The rule that keeps the host's management safe: what drops, drops only what comes from or goes to us.
TEST(Ruleset, JudgesNothingButOurOwnDevices) {
    std::istringstream text(tables_text(plan()));
    bool is_base = false;
    for (std::string line; std::getline(text, line);) {
        if (line.find("chain ") != std::string::npos) is_base = false;
        if (line.find("hook ") != std::string::npos) {
            is_base = true;
            EXPECT_THAT(line, HasSubstr("policy accept")) << line;
            continue;
        }
        if (!is_base || line.find('}') != std::string::npos) continue;
        const bool is_ours =
            line.find("\"drover-") != std::string::npos || line.find("@published4") != std::string::npos ||
            line.find("saddr 10.7") != std::string::npos || line.find("saddr fd00:") != std::string::npos;
        EXPECT_TRUE(is_ours) << line;
    }
    EXPECT_EQ(tables_text(plan()).find("br0"), std::string::npos) << "somebody else's bridge";
}

TEST(Ruleset, MakesItsTablesInOneTransaction) {
    EXPECT_TRUE(tables_text(plan()).starts_with(withdraw_text("drover")));
    EXPECT_THAT(withdraw_text("x"), HasSubstr("delete table inet drover_x\n"));
}

TEST(Elements, OfALineAreAllThatItMaySay) {
    EXPECT_THAT(written(elements_of(line())),
                testing::UnorderedElementsAre(
                    "bridge macs drover-42 . 52:54:00:00:00:2a", "bridge addresses4 drover-42 . 10.77.0.9",
                    "bridge addresses6 drover-42 . fe80::5054:ff:fe00:2a", "bridge addresses6 drover-42 . fd00::9",
                    "bridge targets6 drover-42 . 0xfe80000000000000505400fffe00002a",
                    "bridge targets6 drover-42 . 0xfd000000000000000000000000000009", "bridge circles drover-42 : 3",
                    "inet circles4 10.77.0.9 : 3", "inet members4 10.77.0.9 . 3",
                    "inet circles6 fe80::5054:ff:fe00:2a : 3", "inet members6 fe80::5054:ff:fe00:2a . 3",
                    "inet circles6 fd00::9 : 3", "inet members6 fd00::9 . 3", "bridge members drover-42 . 3"));
}

TEST(Elements, OfAnOpeningAreForItsFamilies) {
    Opening opening{.port = {1098, Protocol::tcp}, .host_port = 20001, .left = std::chrono::minutes(1)};
    EXPECT_THAT(written(elements_of(opening, line())),
                testing::UnorderedElementsAre("inet open4 10.77.0.9 . tcp . 1098", "inet open6 fd00::9 . tcp . 1098",
                                              "inet published4 tcp . 20001 : 10.77.0.9 . 1098"));
    opening.source = "192.0.2.0/24";
    opening.host_port.reset();
    EXPECT_THAT(written(elements_of(opening, line())),
                testing::ElementsAre("inet open4_from 10.77.0.9 . tcp . 1098 . 192.0.2.0/24"));
    EXPECT_THAT(add_text("drover", elements_of(opening, line())), HasSubstr("timeout 60000ms"));
    opening.left = Duration(0);
    EXPECT_THAT(elements_of(opening, line()), IsEmpty());
}

TEST(Listing, IsReadAsElementsAreWritten) {
    const auto listing = parse_listing(R"({"nftables": [{"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "drover_x", "handle": 3}},
        {"set": {"family": "inet", "name": "open4_from", "table": "drover_x", "handle": 7, "elem": [{"elem": {"val":
          {"concat": ["10.77.0.9", 6, 80, {"prefix": {"addr": "192.168.0.0", "len": 16}}]}, "timeout": 90, "expires": 60}}]}},
        {"map": {"family": "bridge", "name": "circles", "table": "drover_x", "handle": 9, "elem": [["drover-1", 7]]}},
        {"rule": {"family": "inet", "table": "drover_x", "chain": "into", "handle": 12, "expr": [{"drop": null}]}}]})");
    const auto& timed = listing.sets.at("open4_from").at("10.77.0.9 . 6 . 80 . 192.168.0.0/16");
    EXPECT_EQ(timed.left, Duration(60000));
    EXPECT_EQ(listing.sets.at("circles").at("drover-1").value, "7");
    EXPECT_THAT(listing.rules, HasSubstr("drop"));
    EXPECT_EQ(listing.rules.find("handle"), std::string::npos);
    EXPECT_EQ(parse_tables(R"({"nftables": [{"table": {"family": "inet", "name": "a", "handle": 3}},
                                            {"table": {"family": "inet", "name": "b", "handle": 4}}]})",
                           "b"),
              (std::map<std::string, long long>{{"inet", 4}}));
    EXPECT_THROW(parse_listing("no"), Error);
    EXPECT_THROW(parse_listing("{}"), Error);
}

}  // namespace
}  // namespace drover
