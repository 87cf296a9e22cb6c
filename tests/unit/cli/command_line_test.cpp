#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stand_in.hpp"

namespace drover::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(CommandLine, HelpAndVersionAreAnswers) {
    const auto help = drover({"--help"});
    EXPECT_EQ(help.code, 0);
    EXPECT_THAT(help.err, IsEmpty());
    for (const auto* verb : {"request", "list", "show", "start", "stop", "restart", "rebuild", "retire", "events",
                             "operations", "owner", "image", "backup", "fsck", "doctor"}) {
        EXPECT_THAT(help.out, HasSubstr(std::string("\n  ") + verb + " "));
        const auto more = drover({verb, "--help"});
        EXPECT_EQ(more.code, 0) << verb;
        EXPECT_THAT(more.out, HasSubstr("\nExamples:\n  drover "));
    }
    for (const auto* verb : {"set", "list", "remove"}) {
        EXPECT_THAT(drover({"owner", verb, "--help"}).out, HasSubstr(std::string("Examples:\n")));
    }
    const auto version = drover({"--version"});
    EXPECT_EQ(version.code, 0);
    EXPECT_THAT(version.out, testing::MatchesRegex("drover [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST(CommandLine, TheHelpOfAVerbIsShort) {
    EXPECT_EQ(drover({"fsck", "--help"}).out,
              "Hold registry, hypervisor and disk against each other\n"
              "Usage: drover fsck [OPTIONS]\n"
              "\n"
              "Options:\n"
              "  -h,--help                   Print this help message and exit\n"
              "  --repair                    Mend what can be mended; data is moved aside, never deleted\n"
              "\n"
              "Examples:\n"
              "  drover fsck\n"
              "  drover fsck --repair && echo clean\n");
}

TEST(CommandLine, WhatIsWrongIsUsage) {
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"fly"},
        {"list", "--bogus"},
        {"list", "a;b"},
        {"list", ""},
        {"list", "--owner", ""},
        {"list", "--owner", "A"},
        {"list", "--where", "phase"},
        {"list", "--where", "colour=red"},
        {"show"},
        {"show", ""},
        {"show", "a", "b"},
        {"request"},
        {"request", "--count"},
        {"request", "--count", "0"},
        {"request", "--count", "10001"},
        {"request", "--count", "-1"},
        {"request", "--count", "0x3"},
        {"request", "--count", "3.0"},
        {"request", "--count", "3 "},
        {"request", "--count", "1", "--count", "2"},
        {"request", "--count", "1", "--owner", "Alice"},
        {"request", "--count", "1", "--kind", "jail"},
        {"request", "--count", "1", "--image", "../x"},
        {"request", "--count", "1", "--idempotency-key", "a b"},
        {"request", "--count", "1", "--idempotency-key", ""},
        {"request", "--count", "1", "--timeout", "5"},
        {"request", "--count", "1", "--timeout", "-5s"},
        {"request", "--count", "1", "surplus"},
        {"start"},
        {"start", "a", "--all"},
        {"start", "--owner", "alice", "--all"},
        {"start", "--all", "--yes"},
        {"retire", "a"},
        {"rebuild", "--all"},
        {"events", "--since", "-1"},
        {"events", "--since", "yesterday"},
        {"operations", "12"},
        {"operations", "--limit", "0"},
        {"owner"},
        {"owner", "fly"},
        {"owner", "set"},
        {"owner", "set", "Alice"},
        {"owner", "set", "alice", "--quota", "-1"},
        {"owner", "set", "alice", "--login", "a b"},
        {"owner", "set", "alice", "--login", ""},
        {"owner", "set", "alice", "--login", "a", "--no-login"},
        {"owner", "set", "alice", "--key", "/no/such/file"},
        {"owner", "remove", "Alice"},
        {"image", "build", "../x"},
        {"backup"},
        {"--socket"},
    };
    for (const auto& arguments : wrong) {
        const auto outcome = drover(arguments);
        const auto line = testing::PrintToString(arguments);
        EXPECT_EQ(outcome.code, 2) << line;
        EXPECT_THAT(outcome.out, IsEmpty()) << line;
        EXPECT_THAT(outcome.err, StartsWith("drover: ")) << line;
        auto with_json = arguments;
        with_json.insert(with_json.begin(), "--json");
        const auto for_programs = drover(with_json);
        EXPECT_EQ(for_programs.code, 2) << line;
        EXPECT_THAT(for_programs.out, IsEmpty()) << line;
        EXPECT_EQ(for_programs.error_kind(), "usage") << line;
    }
}

TEST(CommandLine, WithoutADaemonIsSix) {
    Folder folder;
    const auto socket = folder.file("none");
    const std::vector<std::vector<std::string>> verbs = {{"list"},
                                                         {"show", "a"},
                                                         {"request", "--count", "1"},
                                                         {"stop", "a"},
                                                         {"retire", "a", "--yes"},
                                                         {"events"},
                                                         {"operations"},
                                                         {"owner", "list"},
                                                         {"owner", "set", "a"},
                                                         {"owner", "remove", "a"},
                                                         {"image", "list"},
                                                         {"image", "build", "tiny"},
                                                         {"fsck"},
                                                         {"doctor"},
                                                         {"backup", "--registry", folder.file("b")}};
    for (auto arguments : verbs) {
        arguments.insert(arguments.end(), {"--socket", socket, "--json"});
        const auto outcome = drover(arguments);
        EXPECT_EQ(outcome.code, 6) << arguments.front();
        EXPECT_THAT(outcome.out, IsEmpty());
        EXPECT_EQ(outcome.error_kind(), "unavailable");
    }
}

TEST(CommandLine, GlobalOptionsStandBeforeOrBehind) {
    Folder folder;
    const auto socket = folder.file("s");
    StandIn daemon(socket, [](const Heard&) { return json(wire::Json::array()); });
    EXPECT_EQ(drover({"--socket", socket, "--json", "list"}).out, "[]\n");
    EXPECT_EQ(drover({"list", "--socket", socket, "--json"}).out, "[]\n");
    EXPECT_EQ(drover({"--json", "list", "--socket=" + socket}).out, "[]\n");
    EXPECT_EQ(drover({"owner", "list", "--json", "--socket", socket}).out, "[]\n");
    EXPECT_EQ(drover({"list", "--socket", socket}).out, "no guests\n");
}

TEST(CommandLine, TheSocketComesFromFlagThenEnvironment) {
    Folder folder;
    StandIn one(folder.file("one"), [](const Heard&) { return json({{"name", "one"}}); });
    StandIn two(folder.file("two"), [](const Heard&) { return json({{"name", "two"}}); });
    ::setenv("DROVER_SOCKET", folder.file("one").c_str(), 1);
    EXPECT_EQ(drover({"show", "a", "--json"}).json()["name"], "one");
    EXPECT_EQ(drover({"show", "a", "--json", "--socket", folder.file("two")}).json()["name"], "two");
    ::unsetenv("DROVER_SOCKET");
}

TEST(CommandLine, ANameMayBeAVerb) {
    Folder folder;
    StandIn daemon(folder.file("s"), [](const Heard&) { return json(wire::Json::array()); });
    EXPECT_EQ(drover({"list", "stop", "list", "--socket", folder.file("s")}).code, 0);
    EXPECT_EQ(daemon.heard().at(0).target, "/v1/guests?glob=stop&glob=list");
}

TEST(CommandLine, AnOutputThatFailsIsSaid) {
    Folder folder;
    StandIn daemon(folder.file("s"), [](const Heard&) { return json(wire::Json::array()); });
    std::istringstream in;
    std::ostringstream out, err;
    out.setstate(std::ios::badbit);
    Console console{in, out, err};
    EXPECT_EQ(run({"list", "--socket", folder.file("s")}, console), 1);
    EXPECT_THAT(err.str(), HasSubstr("cannot write to standard output"));
}

}  // namespace
}  // namespace drover::cli
