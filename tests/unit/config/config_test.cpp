#include "config/config.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace drover {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

Config parse(const std::string& text) { return parse_config(text, "x.yaml"); }

/// "LINE: message" of each error; empty when the text is accepted.
std::vector<std::string> errors_in(const std::string& text) {
    std::vector<std::string> result;
    try {
        parse(text);
    } catch (const ConfigErrors& errors) {
        for (const auto& error : errors.errors()) result.push_back(std::to_string(error.line) + ": " + error.message);
    }
    return result;
}

TEST(Config, NothingIsAllDefaults) {
    for (const auto* text : {"", "\n", "# only a comment\n", "---\n", "network:\n"}) {
        const auto config = parse(text);
        EXPECT_EQ(config.instance, "drover") << text;
        EXPECT_EQ(config.state, "/var/lib/drover");
        EXPECT_EQ(config.socket, "/run/drover/drover.sock");
        EXPECT_EQ(config.network.name, "drover");
        EXPECT_EQ(config.network.cidr, "auto");
        EXPECT_EQ(config.hosts, std::vector<HostConfig>{HostConfig{}});
        EXPECT_EQ(config.testing, Config::Testing{});
    }
}

TEST(Config, RoutingNeedsWhatItsProtocolNeeds) {
    EXPECT_THAT(errors_in("routing: {protocol: ospf}"), ElementsAre(HasSubstr("needs routing.interfaces")));
    EXPECT_THAT(errors_in("routing: {protocol: bgp, asn: 65001}"), ElementsAre(HasSubstr("routing.neighbours")));
    EXPECT_THAT(errors_in("routing: {protocol: ospf, interfaces: [eth1]}"), testing::IsEmpty());
    for (const auto* text :
         {"protocol: rip", "asn: 0", "asn: 4294967295", "asn: x", "area: 7", "interfaces: eth1", "interfaces: ['a b']",
          "neighbours: ['10.0.0.1']", "neighbours: [{a: b}]", "pathspace: ../x"})
        EXPECT_EQ(errors_in(std::string("routing: {") + text + "}").size(), 1U) << text;
}

TEST(Config, AnInstanceHasItsOwnPlaces) {
    const auto config = parse("instance: lab");
    EXPECT_EQ(config.state, "/var/lib/drover-lab");
    EXPECT_EQ(config.socket, "/run/drover-lab/drover.sock");
    EXPECT_EQ(config.network.name, "lab");
}

TEST(Config, EveryKeyArrives) {
    const auto config = parse(R"(
instance: lab
state: /srv/lab
socket: /srv/lab.sock
log: {level: trace}
hosts: [{name: one, vm_uri: "qemu+unix:///system?socket=/x", container_uri: "test:///default"}]
accelerator: tcg
network: {name: lab-net, cidr: 10.9.0.0/24, domain: a.b, quarantine: 0s, host_names: none, mode: bridge, bridge: br0,
  vlan: 7, cidr6: "fd12:0::/64", gateway: 10.9.0.254, gateway6: "fe80::1", dns: 10.9.0.53, guests: same-owner,
  range: 10.9.0.10-10.9.0.19}
networks:
- {name: lan, mode: bridge, bridge: br1, vlan: 4094, cidr: 10.8.0.0/24, cidr6: "fd13::/64", gateway: 10.8.0.1,
   gateway6: "fd13::1", dns: 10.9.0.53, guests: none, range: 10.8.0.10-10.8.0.19}
- {name: lab, mode: isolated}
routing: {protocol: bgp, interfaces: [eth1, eth2], area: 0.0.0.7, asn: 4200000000, neighbours: ["10.9.9.1 65001"],
  pathspace: lab}
quota: {default: 0}
guest: {memory: 1GiB, cpus: 4, disk: 20GiB}
timeouts: {ready: 90s, stop: 500ms}
retry: {attempts: 1, backoff: 0}
steps: {in_flight: 16}
retire: {keep: 1d}
lease: {grace: 2d}
copies: {snapshots: 3, backups: /srv/backups}
waves: {stop: 30/10s, start: "adaptive,in_flight=9", upgrade: in_flight=2, refill: per_host=1}
consoles: {log: 2MiB, boots: 5}
metrics: {listen: "127.0.0.1:9100"}
hooks: {folder: /srv/hooks, timeout: 5s}
health:
  {interval: 10s, unresponsive: 2m, tries: 3, forget: 1h, suspend_share: 50, suspend_count: 9, disk: 80, memory: 70, clock: 5s}
gateway: {uid: www-data}
testing: {enabled: true, boot_id: boot-7, guests: simulated}
)");
    Config expected;
    expected.health = {.interval = std::chrono::seconds(10),
                       .unresponsive = std::chrono::minutes(2),
                       .tries = 3,
                       .forget = std::chrono::hours(1),
                       .suspend_share = 50,
                       .suspend_count = 9,
                       .disk = 80,
                       .memory = 70,
                       .clock = std::chrono::seconds(5)};
    expected.instance = "lab";
    expected.state = "/srv/lab";
    expected.socket = "/srv/lab.sock";
    expected.log_level = "trace";
    expected.hosts = {{"one", "qemu+unix:///system?socket=/x", "test:///default"}};
    expected.accelerator = "tcg";
    expected.network = {{"lab-net", NetworkMode::bridge, "10.9.0.0/24", "fd12::/64", GuestTraffic::same_owner, "br0", 7,
                         "10.9.0.254", "fe80::1", "10.9.0.53", "10.9.0.10-10.9.0.19"},
                        "a.b",
                        0s,
                        "none"};
    expected.networks = {{"lan", NetworkMode::bridge, "10.8.0.0/24", "fd13::/64", GuestTraffic::none, "br1", 4094,
                          "10.8.0.1", "fd13::1", "10.9.0.53", "10.8.0.10-10.8.0.19"},
                         {"lab", NetworkMode::isolated}};
    expected.routing = {RoutingProtocol::bgp, "0.0.0.7", {"eth1", "eth2"}, 4200000000, {{"10.9.9.1", 65001}}, "lab"};
    expected.quota = 0;
    expected.guest = {1LL << 30, 4, 20LL << 30};
    expected.ready_timeout = 90s;
    expected.stop_timeout = 500ms;
    expected.attempts = 1;
    expected.backoff = 0s;
    expected.steps_in_flight = 16;
    expected.retire_keep = 24h;
    expected.lease_grace = 48h;
    expected.snapshots = 3;
    expected.backups = "/srv/backups";
    expected.waves = {parse_wave_policy("30/10s"), parse_wave_policy("adaptive,in_flight=9"),
                      parse_wave_policy("in_flight=2"), parse_wave_policy("per_host=1")};
    expected.consoles = {2LL << 20, 5};
    expected.metrics_listen = "127.0.0.1:9100";
    expected.hooks = {"/srv/hooks", 5s};
    expected.gateway_uid = "www-data";
    expected.testing = {true, "boot-7", "simulated"};
    EXPECT_EQ(config, expected);
}

TEST(Config, NetworksThatDoNotFitAreRefusedWithTheirReason) {
    const auto bridged = [](const std::string& more) {
        return errors_in("networks:\n- {name: lan, mode: bridge, bridge: br0, cidr: 10.8.0.0/24, dns: 10.8.0.1, " +
                         more + "}");
    };
    EXPECT_THAT(bridged("range: 10.8.0.9-10.8.0.19"),
                ElementsAre("2: networks[].gateway: missing, and mode bridge needs it"));
    EXPECT_THAT(bridged("gateway: 10.8.0.12, range: 10.8.0.9-10.8.0.19"),
                ElementsAre(HasSubstr("has the gateway in it")));
    EXPECT_THAT(bridged("gateway: 10.8.0.1, range: 10.8.0.9-10.8.1.1"),
                ElementsAre(HasSubstr("not inside 10.8.0.0/24")));
    EXPECT_THAT(bridged("gateway: 10.9.0.1, range: 10.8.0.9-10.8.0.19"), ElementsAre(HasSubstr("gateway: 10.9.0.1")));
    EXPECT_THAT(errors_in("network: {vlan: 7}"), ElementsAre(HasSubstr("network.vlan: only of mode bridge")));
    EXPECT_THAT(errors_in("networks: [{mode: nat}]"), ElementsAre(HasSubstr("networks[].name: missing")));
    EXPECT_THAT(errors_in("networks: [{name: a}, {name: a}]"), ElementsAre(HasSubstr("'a' twice")));
    EXPECT_THAT(errors_in("network: {cidr: 10.8.0.0/16}\nnetworks: [{name: a, cidr: 10.8.3.0/24}]"),
                ElementsAre("2: networks[].cidr: 10.8.3.0/24 overlaps 10.8.0.0/16, the default network"));
    EXPECT_THAT(errors_in("networks: [{name: a, cidr6: 'fd12::/64'}, {name: b, cidr6: 'fd12::/48'}]"),
                ElementsAre(HasSubstr("cidr6: fd12::/48 overlaps fd12::/64, the network a")));
    EXPECT_THAT(errors_in("network: {cidr: 10.8.0.0/16, cidr6: 'fd12::/120'}"),
                ElementsAre(HasSubstr("has not an address for each of the /16")));
    for (const auto* name : {"br", "Lab", "laboratory", "1a", "a-b", "''"})
        EXPECT_EQ(errors_in(std::string("networks: [{name: ") + name + "}]").size(), 1U) << name;
    for (const auto* text :
         {"networks: {name: a}", "networks: a", "networks: [a]", "networks: [{name: a, colour: blue}]",
          "network: {mode: bridged}", "network: {cidr6: 10.0.0.0/8}", "network: {cidr6: 'ff00::/16'}",
          "network: {guests: all}", "network: {cidr6: 'fd12::1/64'}"})
        EXPECT_EQ(errors_in(text).size(), 1U) << text;
}

TEST(Config, AllErrorsAtOnceWithTheirLines) {
    EXPECT_THAT(
        errors_in("instance: Lab\n"
                  "colour: blue\n"
                  "log:\n"
                  "  level: loud\n"
                  "  file: /x\n"
                  "guest:\n"
                  "  cpus: 0\n"
                  "  cpus: 2\n"
                  "network: 10.0.0.0/8\n"),
        ElementsAre(StartsWith("1: instance: 'Lab'"), StartsWith("2: colour: unknown key"),
                    StartsWith("4: log.level: 'loud', expected one of: trace"), StartsWith("5: log.file: unknown key"),
                    StartsWith("7: guest.cpus: '0', expected a whole number from 1 to 64"),
                    StartsWith("8: guest.cpus: stands here again, first in line 7"),
                    StartsWith("9: network: '10.0.0.0/8', expected a group of keys")));
}

TEST(Config, AWavePolicyIsReadStrictly) {
    EXPECT_THAT(errors_in("waves:\n"
                          "  start: fast\n"
                          "  stop: in_flight=0\n"
                          "  mass: adaptive\n"
                          "  refill: [adaptive]\n"
                          "  upgrade:\n"),
                ElementsAre(StartsWith("2: waves.start: 'fast' in a wave policy, expected one of: adaptive"),
                            StartsWith("3: waves.stop: 'in_flight=0' in a wave policy"),
                            StartsWith("4: waves.mass: unknown key"), StartsWith("5: waves.refill: a list"),
                            StartsWith("6: waves.upgrade: nothing")));
}

TEST(Config, AnEndpointIsAnAddressAndAPort) {
    for (const auto* text : {"9100", ":9100", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "::1:9100",
                             "localhost:9100", "127.0.0.1:09100", "127.0.0.1:91 00", "1.2.3:9100"})
        EXPECT_THAT(errors_in(std::string("metrics: {listen: '") + text + "'}"),
                    ElementsAre(HasSubstr("expected an IPv4 address and a port")))
            << text;
    EXPECT_EQ(parse("metrics: {listen: '0.0.0.0:1'}").metrics_listen, "0.0.0.0:1");
}

TEST(Config, TheMessageHasFileAndLinePerError) {
    try {
        parse("a: 1\nb: 2\n");
        FAIL();
    } catch (const ConfigErrors& errors) {
        EXPECT_EQ(errors.kind(), ErrorKind::usage);
        EXPECT_THAT(errors.what(), StartsWith("x.yaml:1: a: unknown key"));
        EXPECT_THAT(errors.what(), HasSubstr("\nx.yaml:2: b: unknown key"));
    }
}

TEST(Config, WrongTypesAndNothingsAreRefused) {
    for (const auto* text : {"instance:",
                             "instance: [a]",
                             "instance: {a: b}",
                             "guest: {cpus: 1.5}",
                             "guest: {cpus: '1'}",
                             "guest: {cpus: 0x2}",
                             "guest: {cpus: 99999999999999999999}",
                             "guest: {memory: 100}",
                             "guest: {memory: 97KiB}",
                             "guest: {memory: 2TiB}",
                             "testing: {enabled: yes}",
                             "testing: {enabled: 'true'}",
                             "retry: {backoff: 5}",
                             "retry: {backoff: -5s}",
                             "retry: {backoff: 6m}",
                             "timeouts: {ready: 99ms}",
                             "[a, b]",
                             "just text",
                             "hosts: []",
                             "hosts: {name: a}",
                             "hosts: [{name: a}, {name: b}]",
                             "hosts: [a]",
                             "hosts: [{name: a, name: b}]",
                             "hosts: [{uri: x}]",
                             "hosts:",
                             "network.cidr: auto",
                             "network: {network.cidr: auto}",
                             "'hosts[].name': a"}) {
        EXPECT_THAT(errors_in(text), testing::SizeIs(1)) << text;
    }
}

TEST(Config, ValuesOutOfRangeAreRefused) {
    for (const auto* text : {"state: relative",
                             "state: /",
                             "state: /a/../b",
                             "state: /a,b",
                             "state: '/a b'",
                             "state: /a/",
                             "state: //a",
                             "network: {cidr: 10.0.0.1/8}",
                             "network: {cidr: 8.0.0.0/8}",
                             "network: {cidr: 10.0.0.0/30}",
                             "network: {cidr: 172.0.0.0/8}",
                             "gateway: {uid: -1}",
                             "gateway: {uid: 033}",
                             "gateway: {uid: 4294967295}",
                             "gateway: {uid: Web}",
                             "gateway: {uid: ''}",
                             "network: {domain: Upper.case}",
                             "network: {domain: a..b}",
                             "network: {domain: ''}",
                             "network: {name: a_b}",
                             "network: {quarantine: 31d}",
                             "network: {host_names: dns}",
                             "accelerator: hvf",
                             "hosts: [{vm_uri: qemu}]",
                             "hosts: [{vm_uri: 'a b:/'}]",
                             "hosts: [{name: A}]",
                             "steps: {in_flight: 0}",
                             "retry: {attempts: 0}",
                             "quota: {default: -1}",
                             "testing: {enabled: true, guests: real}",
                             "testing: {enabled: true, boot_id: ''}"}) {
        EXPECT_THAT(errors_in(text), testing::SizeIs(1)) << text;
    }
    EXPECT_THAT(errors_in("socket: /" + std::string(107, 'a')), testing::SizeIs(1));
    EXPECT_THAT(errors_in("socket: /" + std::string(106, 'a')), testing::IsEmpty());
}

TEST(Config, WhatIsForTestsNeedsTestingEnabled) {
    EXPECT_THAT(errors_in("testing:\n  boot_id: b\n  guests: simulated\n"),
                ElementsAre("2: testing.boot_id: refused unless testing.enabled is true",
                            "3: testing.guests: refused unless testing.enabled is true"));
    EXPECT_THAT(errors_in("testing:\n  enabled: false\n  guests: simulated\n"), testing::SizeIs(1));
}

TEST(Config, BrokenYamlIsOneErrorWithItsLine) {
    EXPECT_THAT(errors_in("instance: lab\nlog: {level: info\n"), ElementsAre(HasSubstr("no YAML: ")));
    EXPECT_THAT(errors_in("instance: lab\n\tlog: x\n"), ElementsAre(StartsWith("2: no YAML: ")));
    EXPECT_THAT(errors_in("instance: a\n---\ninstance: b\n"), ElementsAre(HasSubstr("a second document")));
    EXPECT_THAT(errors_in(",a"), ElementsAre(StartsWith("1: a second document, or something that belongs to none")));
}

TEST(Config, HostileYamlIsRefusedAndCostsLittle) {
    using namespace std::string_literals;
    EXPECT_THAT(errors_in("instance: a\0b\n"s), testing::SizeIs(1));
    EXPECT_THAT(errors_in("instance: " + std::string(20'000, '[')), ElementsAre(HasSubstr("no YAML: ")));
    EXPECT_THAT(errors_in("instance: \xff\xfe"), testing::SizeIs(1));
    std::string bomb = "x0: &x0 [a, a, a, a, a, a, a, a, a]\n";  // a billion entries, were they counted out
    for (int i = 1; i < 10; ++i) {
        bomb += fmt::format("x{}: &x{} [", i, i);
        for (int n = 0; n < 9; ++n) bomb += fmt::format("{}*x{}", n == 0 ? "" : ", ", i - 1);
        bomb += "]\n";
    }
    EXPECT_THAT(errors_in(bomb + "instance: *x9\n"), testing::SizeIs(11));
}

TEST(Config, EachGroupIsHeldAgainstItsOwnKeys) {
    EXPECT_THAT(errors_in("cpus: 2\n"
                          "guest:\n"
                          "  ready: 5s\n"
                          "  Memory: 96MiB\n"
                          "  memory : 96MB\n"
                          "hosts:\n"
                          "  - name: a\n"
                          "    instance: lab\n"
                          "? [a]\n"
                          ": 1\n"
                          "instance: lab\n"
                          "instance: lab\n"),
                ElementsAre(StartsWith("1: cpus: unknown key"), StartsWith("3: guest.ready: unknown key"),
                            StartsWith("4: guest.Memory: unknown key"), StartsWith("5: guest.memory: '96MB'"),
                            StartsWith("8: hosts[].instance: unknown key"), StartsWith("9: a list: unknown key"),
                            StartsWith("12: instance: stands here again, first in line 11")));
}

class ConfigFile : public testing::Test {
  protected:
    ConfigFile() : folder_(std::filesystem::temp_directory_path() / ("drover-config-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(folder_);
    }
    ~ConfigFile() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
};

TEST_F(ConfigFile, IsReadFromDisk) {
    const auto file = folder_ / "a.yaml";
    std::ofstream(file) << "instance: lab\n";
    EXPECT_EQ(read_config(file, false).instance, "lab");
    std::ofstream(file, std::ios::trunc).close();
    EXPECT_EQ(read_config(file, false).instance, "drover");
}

TEST_F(ConfigFile, MayBeAbsentOnlyWhereSaid) {
    EXPECT_EQ(read_config(folder_ / "none.yaml", true), parse(""));
    try {
        read_config(folder_ / "none.yaml", false);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::not_found);
        EXPECT_THAT(error.what(), HasSubstr("none.yaml"));
    }
}

TEST_F(ConfigFile, AFolderIsNoFile) { EXPECT_THROW(read_config(folder_, true), Error); }

}  // namespace
}  // namespace drover
