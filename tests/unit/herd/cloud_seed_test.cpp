#include "herd/cloud_seed.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace drover {
namespace {

const control::Identity alice{"alice-1",
                              "drover.internal",
                              "alice",
                              "10.77.0.9/20",
                              "10.77.0.1",
                              "10.77.0.2",
                              "52:54:00:00:00:2a",
                              std::string(32, 'a'),
                              "",
                              "",
                              1};

TEST(CloudSeed, tells_cloud_init_name_and_network) {
    const auto seed = seed_of(alice);
    const auto meta = nlohmann::json::parse(seed.at("meta-data"));
    EXPECT_EQ(meta.at("local-hostname"), "alice-1.drover.internal");
    const auto network = nlohmann::json::parse(seed.at("network-config"));
    EXPECT_EQ(network, nlohmann::json::parse(R"({"version": 2, "ethernets": {"eth0": {
        "match": {"macaddress": "52:54:00:00:00:2a"}, "set-name": "eth0", "addresses": ["10.77.0.9/20"],
        "routes": [{"to": "0.0.0.0/0", "via": "10.77.0.1"}],
        "nameservers": {"search": ["drover.internal"], "addresses": ["10.77.0.2"]}}}})"));
}

TEST(CloudSeed, tells_both_addresses_and_that_nobodys_advertisement_counts) {
    auto both = alice;
    both.address6 = "fd12::9/64";
    both.gateway6 = "fd12::1";
    const auto seed = seed_of(both);
    const auto eth0 = nlohmann::json::parse(seed.at("network-config")).at("ethernets").at("eth0");
    EXPECT_EQ(eth0.at("addresses"), (nlohmann::json{"10.77.0.9/20", "fd12::9/64"}));
    EXPECT_EQ(eth0.at("routes").at(1), (nlohmann::json{{"to", "::/0"}, {"via", "fd12::1"}}));
    EXPECT_EQ(eth0.at("accept-ra"), false);
}

TEST(CloudSeed, is_another_instances_with_another_address_alone) {
    const auto instance = [](const control::Identity& identity) { return seed_of(identity).at("meta-data"); };
    auto later = alice;
    later.time = 2;
    later.owner = "bob";
    EXPECT_EQ(instance(later), instance(alice));
    later.address = "10.77.0.10/20";
    EXPECT_NE(instance(later), instance(alice));
}

}  // namespace
}  // namespace drover
