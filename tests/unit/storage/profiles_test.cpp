#include "storage/profiles.hpp"

#include "fixture.hpp"

namespace drover {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

struct Profiles : testing::Test {
    TempFolder temp;
    fs::path folder = temp.path() / "lab";

    Profile parse(const std::string& yaml) {
        write(folder / "overlay.yaml", yaml);
        return read_profile(folder);
    }
    std::string refusal(const std::string& yaml) {
        return error_of([&] { parse(yaml); });
    }
    std::string at(int line) {
        return "usage: " + (folder / "overlay.yaml").string() + ":" + std::to_string(line) + ": ";
    }
};

TEST_F(Profiles, ReadsAllThatThereIs) {
    fs::create_directories(folder / "skeleton");
    const auto profile = parse(
        "description: for the lab\npersistent: [/home, /var/lib]\nmerged:\n  - /etc/hosts\nvolatile: [/tmp]\nfork: "
        "never\n");
    EXPECT_EQ(profile.name, "lab");
    EXPECT_THAT(profile.persistent, ElementsAre("/home", "/var/lib"));
    EXPECT_THAT(profile.merged, ElementsAre("/etc/hosts"));
    EXPECT_THAT(profile.volatile_, ElementsAre("/tmp"));
    EXPECT_EQ(profile.skeleton, folder / "skeleton");
    EXPECT_FALSE(profile.fork);
}

TEST_F(Profiles, ProbesAreReadAndTheirMistakesAreTold) {
    const auto profile = parse(
        "persistent: [/home]\nprobes:\n  - {tcp: 22}\n  - {http: '/status?x=1', port: 8080, interval: 10s, timeout: "
        "2s, "
        "restart: web}\n  - http: /\n");
    using namespace std::chrono_literals;
    const std::vector<Probe> expected{
        {.port = 22, .path = ""},
        {.port = 8080, .path = "/status?x=1", .interval = 10s, .timeout = 2s, .restart = "web"},
        {.port = 80, .path = "/"}};
    EXPECT_EQ(profile.probes, expected);
    EXPECT_EQ(to_text(profile.probes[1]), "http 8080 /status?x=1");
    for (const auto& [probe, mistake] : std::vector<std::pair<std::string, std::string>>{
             {"{tcp: 0}", "'0' is no port"},
             {"{tcp: 70000}", "'70000' is no port"},
             {"{tcp: 22, port: 22}", "has its port as its value"},
             {"{tcp: 22, http: /}", "either tcp or http"},
             {"{port: 22}", "either tcp or http"},
             {"{http: status}", "'status' is no path of a page"},
             {"{http: \"/a b\"}", "'/a b' is no path of a page"},
             {"{tcp: 22, interval: soon}", "'soon'"},
             {"{tcp: 22, interval: 1ms}", "interval of '1ms' is out of range"},
             {"{tcp: 22, restart: 'rm -rf'}", "'rm -rf'"},
             {"{udp: 53}", "unknown key 'udp'"}})
        EXPECT_THAT(refusal("probes:\n  - {tcp: 1}\n  - " + probe + "\n"),
                    testing::AllOf(StartsWith(at(3)), HasSubstr(mistake)));
}

TEST_F(Profiles, WhatIsAbsentIsEmptyAndForkIsAllowed) {
    const auto profile = parse("persistent: [/home]\n");
    EXPECT_TRUE(profile.merged.empty());
    EXPECT_TRUE(profile.skeleton.empty());
    EXPECT_TRUE(profile.fork);
}

TEST_F(Profiles, UnknownKeyIsRefusedWithItsLineAndTheKnownOnes) {
    const auto text = refusal("persistent: [/home]\npersistant: [/root]\n");
    EXPECT_THAT(text, StartsWith(at(2) + "unknown key 'persistant'"));
    EXPECT_THAT(text, HasSubstr("description, persistent, merged, volatile, fork, services, probes"));
}

TEST_F(Profiles, AKeyTwiceIsRefused) {
    EXPECT_THAT(refusal("volatile: [/tmp]\nvolatile: [/run]\n"), StartsWith(at(2) + "key 'volatile' is there twice"));
}

TEST_F(Profiles, PathsMustBePlainAndAbsolute) {
    for (const std::string path : {"home", "./home", "/home/", "//home", "/home/../root", "/home/.", "/", "''", "/a b",
                                   "'/a,b'", "\"/a\\nb\"", "'/a=b'", "/å"})
        EXPECT_THAT(refusal("persistent:\n  - /home2\n  - " + path + "\n"), StartsWith(at(3))) << path;
    EXPECT_THAT(refusal("merged: [etc/hosts]\n"), HasSubstr("'etc/hosts' is no plain absolute path"));
}

TEST_F(Profiles, PathsMustNotOverlapWithinAListOrAcross) {
    EXPECT_THAT(refusal("persistent:\n  - /var\n  - /var\n"), StartsWith(at(3) + "'/var' overlaps '/var' of line 2"));
    EXPECT_THAT(refusal("persistent:\n  - /var/lib\n  - /var\n"), StartsWith(at(3) + "'/var' overlaps '/var/lib'"));
    EXPECT_THAT(refusal("persistent: [/var]\nvolatile: [/var/tmp]\n"),
                StartsWith(at(2) + "'/var/tmp' overlaps '/var'"));
    EXPECT_NO_THROW(parse("persistent: [/var, /var2, /vara/b]\n"));
}

TEST_F(Profiles, WrongShapesAreRefused) {
    EXPECT_THAT(refusal("persistent: /home\n"), StartsWith(at(1) + "'persistent' is no list"));
    EXPECT_THAT(refusal("persistent: [[/home]]\n"), StartsWith(at(1)));
    EXPECT_THAT(refusal("persistent: [{a: b}]\n"), StartsWith(at(1)));
    EXPECT_THAT(refusal("fork: maybe\n"), StartsWith(at(1) + "unknown value 'maybe' of fork"));
    EXPECT_THAT(refusal("- /home\n"), HasSubstr("no mapping"));
    EXPECT_THAT(refusal("persistent: [/home\nvolatile: ]]\n"), StartsWith("usage: " + folder.string()));
    EXPECT_THAT(refusal(""), HasSubstr("no mapping"));
}

TEST_F(Profiles, MustFitOnTheKernelsCommandLine) {
    std::string yaml = "persistent:\n";
    for (int i = 0; i < 100; ++i) yaml += "  - /srv/some/long/folder/" + std::to_string(i) + "\n";
    EXPECT_THAT(refusal(yaml), HasSubstr("more than 1200 characters"));
}

TEST_F(Profiles, TheFingerprintSeesPathsAndSkeletonNotTheDescription) {
    const auto plain = fingerprint(parse("description: a\npersistent: [/home]\n"));
    EXPECT_EQ(fingerprint(parse("description: b\npersistent: [/home]\n")), plain);
    EXPECT_NE(fingerprint(parse("persistent: [/root]\n")), plain);
    write(folder / "skeleton/persistent/home/README", "hello");
    const auto seeded = fingerprint(parse("persistent: [/home]\n"));
    EXPECT_NE(seeded, plain);
    write(folder / "skeleton/persistent/home/README", "HELLO");
    EXPECT_NE(fingerprint(parse("persistent: [/home]\n")), seeded);
}

TEST(ShippedProfiles, AreReadable) {
    const auto profiles = read_profiles(DROVER_SOURCE "/overlays");
    ASSERT_TRUE(profiles.contains("basic"));
    EXPECT_THAT(profiles.at("basic").persistent, ElementsAre("/home", "/root", "/usr/local", "/var"));
    EXPECT_THAT(profiles.at("basic").volatile_, ElementsAre("/tmp"));
}

TEST_F(Profiles, ServicesAreReadByPriorityAndName) {
    const auto profile = parse(
        "services:\n  - {name: web, command: /etc/web}\n  - name: b\n    priority: 7\n    unit: b.service\n    wanted: "
        "down\n  - {name: a, priority: 50, unit: a.socket, command: /etc/a}\n");
    const std::vector<Service> expected{
        {"b", 7, false, "b.service", ""}, {"a", 50, true, "a.socket", "/etc/a"}, {"web", 50, true, "", "/etc/web"}};
    EXPECT_EQ(profile.services, expected);
    EXPECT_TRUE(parse("persistent: [/home]\n").services.empty());
}

TEST_F(Profiles, ServicesThatAreNotRightAreRefusedWithTheirLine) {
    const auto refused = [&](const std::string& service) { return refusal("services:\n  - {" + service + "}\n"); };
    EXPECT_THAT(refused("name: web"), StartsWith(at(2) + "service 'web' has neither unit nor command"));
    EXPECT_THAT(refused("command: /etc/web"), HasSubstr("key 'name' is missing"));
    EXPECT_THAT(refused("name: Web, command: /etc/web"), StartsWith(at(2)));
    EXPECT_THAT(refused("name: web, command: etc/web"), StartsWith(at(2) + "'etc/web' is no command"));
    EXPECT_THAT(refused("name: web, command: /bin/sh -c x"), StartsWith(at(2) + "'/bin/sh -c x' is no command"));
    EXPECT_THAT(refused("name: web, unit: web"), StartsWith(at(2) + "'web' is no unit"));
    EXPECT_THAT(refused("name: web, unit: a.service, priority: 100"), StartsWith(at(2) + "'100' is no priority"));
    EXPECT_THAT(refused("name: web, unit: a.service, priority: -1"), StartsWith(at(2) + "'-1' is no priority"));
    EXPECT_THAT(refused("name: web, unit: a.service, wanted: yes"),
                StartsWith(at(2) + "unknown value 'yes' of wanted"));
    EXPECT_THAT(refused("name: web, unit: a.service, when: now"), StartsWith(at(2) + "unknown key 'when'"));
    EXPECT_THAT(refusal("services: web\n"), StartsWith(at(1) + "'services' is no list"));
    EXPECT_THAT(refusal("services: [web]\n"), StartsWith(at(1) + "an item of 'services' is no mapping"));
    EXPECT_THAT(refusal("services:\n  - {name: a, unit: a.service}\n  - {name: a, unit: b.service}\n"),
                StartsWith(at(3) + "service 'a' is there twice"));
}

}  // namespace
}  // namespace drover
