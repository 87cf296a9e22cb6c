#include "network/names.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace drover {
namespace {

/// A network that remembers the names its DNS would answer.
class RememberingNetwork : public Networks {
  public:
    bool ensure(const NetworkSpec&) override { return false; }
    void remove() override {}
    void add_name(const HostName& host) override {
        known[host.address] = host.name;
        hosts[host.address] = host;
    }
    void remove_name(Address address) override {
        known.erase(address);
        hosts.erase(address);
    }
    std::vector<HostName> names() override {
        std::vector<HostName> all;
        for (const auto& [address, host] : hosts) all.push_back(host);
        return all;
    }
    std::vector<Subnet> taken_subnets() override { return {}; }

    std::map<Address, std::string> known;
    std::map<Address, HostName> hosts;
};

class NamesTest : public testing::Test {
  protected:
    NamesTest() : hosts_file(std::filesystem::temp_directory_path() / ("hosts." + std::to_string(getpid()))) {
        std::ofstream(hosts_file) << "127.0.0.1 localhost\n";
    }
    ~NamesTest() override { std::filesystem::remove(hosts_file); }

    [[nodiscard]] std::string hosts() const {
        std::ostringstream text;
        text << std::ifstream(hosts_file).rdbuf();
        return text.str();
    }

    std::filesystem::path hosts_file;
    RememberingNetwork network;
    Names names{network, "herd", "herd.internal", hosts_file};
    Address first = parse_address("10.1.0.2"), second = parse_address("10.1.0.3");
};

TEST_F(NamesTest, ANameIsKnownToTheDnsAndOnTheHost) {
    names.add({first, "alice-1"});
    EXPECT_EQ(network.known.at(first), "alice-1");
    EXPECT_EQ(hosts(),
              "127.0.0.1 localhost\n# begin drover herd\n10.1.0.2 alice-1 alice-1.herd.internal\n# end drover herd\n");
}

TEST_F(NamesTest, BothAddressesHaveIt) {
    names.add({first, "alice-1", parse_address6("fd12::2")});
    EXPECT_EQ(hosts(),
              "127.0.0.1 localhost\n# begin drover herd\n10.1.0.2 alice-1 alice-1.herd.internal\n"
              "fd12::2 alice-1 alice-1.herd.internal\n# end drover herd\n");
    names.replace([&] { return std::vector<HostName>{{first, "alice-1", parse_address6("fd13::2")}}; });
    EXPECT_EQ(network.hosts.at(first).address6, parse_address6("fd13::2"));
}

TEST_F(NamesTest, AGuestOfACloudImageIsFoundByDhcp) {
    auto plan = network_of(parse_subnet("10.1.0.0/24"));
    plan.subnet6 = parse_subnet6("fd12::/64");
    const NetworkPlan networks({plan});
    Guest guest;
    guest.id = 42;
    guest.name = "alice-1";
    guest.address = first;
    EXPECT_EQ(known_as(guest, networks), (HostName{first, "alice-1", parse_address6("fd12::2")}));
    guest.profile = "cloud";
    EXPECT_EQ(known_as(guest, networks).mac, mac_of(42));
    guest.network = "gone";
    EXPECT_EQ(known_as(guest, networks).address6, std::nullopt);
}

TEST_F(NamesTest, WhenTheLastNameGoesTheFileIsAsItWas) {
    names.add({first, "alice-1"});
    names.remove(first);
    EXPECT_TRUE(network.known.empty());
    EXPECT_EQ(hosts(), "127.0.0.1 localhost\n");
}

TEST_F(NamesTest, ReplaceForgetsWhatWasLeftOver) {
    network.add_name({second, "stale-9"});
    names.replace([&] { return std::vector<HostName>{{first, "alice-1"}}; });
    EXPECT_EQ(network.known.size(), 1U);
    EXPECT_EQ(network.known.at(first), "alice-1");
}

TEST_F(NamesTest, AForeignBlockAndEverythingAfterOursStay) {
    const std::string before = "1.2.3.4 here\n# begin drover other\n9.9.9.9 x\n# end drover other\n";
    const std::string with = with_block(before, "herd", {"10.1.0.2 a"});
    EXPECT_EQ(with, before + "# begin drover herd\n10.1.0.2 a\n# end drover herd\n");
    EXPECT_EQ(with_block(with + "5.6.7.8 there\n", "herd", {}), before + "5.6.7.8 there\n");
}

TEST_F(NamesTest, ABlockCutShortByACrashIsReplacedWhole) {
    EXPECT_EQ(with_block("1.2.3.4 here\n# begin drover herd\n10.1.0.2 al", "herd", {"10.1.0.2 a"}),
              "1.2.3.4 here\n# begin drover herd\n10.1.0.2 a\n# end drover herd\n");
}

}  // namespace
}  // namespace drover
