#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "stand_in.hpp"

namespace drover::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

const auto* const key_one = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f one";

/// Runs verbs against a stand-in that answers `answer_` to everything.
class Verbs : public testing::Test {
  protected:
    Outcome run_with(const Answer& answer, std::vector<std::string> arguments, const Look& look = {}) {
        answer_ = answer;
        arguments.insert(arguments.end(), {"--socket", folder_.file("s")});
        return drover(arguments, look);
    }
    Heard last() { return daemon_.heard().back(); }
    std::size_t calls() { return daemon_.heard().size(); }

    Folder folder_;
    Answer answer_;
    StandIn daemon_{folder_.file("s"), [this](const Heard&) { return answer_; }};
};

wire::Json listing(const std::string& name, const wire::Json& fault = nullptr) {
    return {{"id", 1},          {"name", name},       {"owner", nullptr},
            {"phase", "ready"}, {"desired", "ready"}, {"address", "10.0.0.2"},
            {"kind", "vm"},     {"image", "tiny"},    {"fault", fault}};
}

TEST_F(Verbs, ListAsksForWhatWasSaid) {
    run_with(json(wire::Json::array()), {"list", "alice-*", "b?", "--owner", "alice", "--gone", "--where",
                                         "phase=ready", "--where", "started_by=", "c"});
    EXPECT_EQ(last().method, "GET");
    EXPECT_EQ(
        last().target,
        "/v1/guests?glob=alice-%2A&glob=b%3F&glob=c&owner=alice&gone=true&where=phase%3Dready&where=started_by%3D");
}

TEST_F(Verbs, ListIsATableForPeopleAndTheAnswerForPrograms) {
    const wire::Json fault{{"kind", "start"}, {"message", "no disk"}, {"since", "2026-11-21T12:00:00Z"}};
    const auto guests = wire::Json::array({listing("alice-1"), listing("alice-10", fault)});
    EXPECT_EQ(run_with(json(guests), {"list"}).out,
              "NAME      OWNER  PHASE  DESIRED  ADDRESS   KIND  IMAGE  FAULT\n"
              "alice-1   -      ready  ready    10.0.0.2  vm    tiny   -\n"
              "alice-10  -      ready  ready    10.0.0.2  vm    tiny   start: no disk\n");
    EXPECT_EQ(run_with(json(guests), {"list", "--json"}).json(), guests);
}

TEST_F(Verbs, EveryErrorOfTheDaemonHasItsExitCode) {
    const std::vector<std::pair<ErrorKind, int>> kinds = {
        {ErrorKind::failed, 1}, {ErrorKind::usage, 2},       {ErrorKind::not_found, 3}, {ErrorKind::refused, 4},
        {ErrorKind::denied, 5}, {ErrorKind::unavailable, 6}, {ErrorKind::timed_out, 7}};
    for (const auto& [kind, code] : kinds) {
        const Error thrown(kind, "no owner 'alice'", "drover owner set alice");
        const auto for_people = run_with(error(thrown), {"show", "alice-1"});
        EXPECT_EQ(for_people.code, code);
        EXPECT_EQ(for_people.err, "drover: no owner 'alice'\n  drover owner set alice\n");
        EXPECT_THAT(for_people.out, IsEmpty());
        const auto for_programs = run_with(error(thrown), {"show", "alice-1", "--json"});
        EXPECT_EQ(for_programs.code, code);
        EXPECT_THAT(for_programs.out, IsEmpty());
        EXPECT_EQ(wire::parse(for_programs.err), wire::encode(thrown));
    }
}

TEST_F(Verbs, ShowIsALineAField) {
    const wire::Json guest{{"name", "alice-1"},
                           {"fault", nullptr},
                           {"addresses", {"10.0.0.2"}},
                           {"host_key", {{"fingerprint", "SHA256:x"}, {"known_hosts", "k"}}}};
    EXPECT_EQ(run_with(json(guest), {"show", "alice-1"}).out,
              "name                  alice-1\n"
              "fault                 -\n"
              "addresses             10.0.0.2\n"
              "host_key fingerprint  SHA256:x\n"
              "host_key known_hosts  k\n");
    EXPECT_EQ(last().target, "/v1/guests/alice-1");
    EXPECT_EQ(run_with(json(guest), {"show", "alice-1", "--json"}).json(), guest);
    run_with(json(guest), {"show", "../x y"});
    EXPECT_EQ(last().target, "/v1/guests/..%2Fx%20y");
}

TEST_F(Verbs, ARequestThatFindsEnoughSaysSo) {
    const auto answer = json({{"operation", "o-12"},
                              {"created", wire::Json::array()},
                              {"existing", {"alice-1", "alice-2"}},
                              {"outcome", "done"}},
                             202);
    const auto outcome = run_with(answer, {"request", "--owner", "alice", "--count", "2", "--idempotency-key", "k.1"});
    EXPECT_EQ(outcome.code, 0);
    EXPECT_EQ(outcome.out, "nothing to do: 2 guests already (alice-1, alice-2); --additional makes more\n");
    EXPECT_EQ(last().method + " " + last().target, "POST /v1/guests");
    EXPECT_EQ(last().body, R"({"count":2,"owner":"alice"})");
    EXPECT_EQ(last().idempotency_key, "k.1");
    EXPECT_EQ(calls(), 1U) << "there is nothing to wait for";
}

TEST_F(Verbs, ARequestThatDoesNotWaitPrintsTheOperation) {
    const auto answer = json(
        {{"operation", "o-12"}, {"created", {"alice-1"}}, {"existing", wire::Json::array()}, {"outcome", "running"}},
        202);
    const std::vector<std::string> line = {"request", "--count", "1",         "--image",      "debian",   "--profile",
                                           "web",     "--kind",  "container", "--additional", "--no-wait"};
    const auto outcome = run_with(answer, line);
    EXPECT_EQ(outcome.code, 0);
    EXPECT_THAT(outcome.out, HasSubstr("o-12"));
    EXPECT_EQ(last().body, R"({"count":1,"image":"debian","profile":"web","kind":"container","additional":true})");
    auto with_json = line;
    with_json.emplace_back("--json");
    EXPECT_EQ(wire::dump(run_with(answer, with_json).json()),
              R"({"operation":"o-12","created":["alice-1"],"existing":[],"outcome":"running"})");
    EXPECT_EQ(calls(), 2U);
}

TEST_F(Verbs, WhatDestroysDataMustBeMeant) {
    const auto done =
        json({{"id", "o-13"},
              {"who", "root"},
              {"verb", "retire"},
              {"created", "2026-11-21T12:00:00Z"},
              {"finished", "2026-11-21T12:00:01Z"},
              {"outcome", "done"},
              {"done", 1},
              {"total", 1},
              {"items", {{{"name", "alice-1"}, {"outcome", "done"}, {"phase", "gone"}, {"reason", nullptr}}}}});
    for (const auto* verb : {"retire", "rebuild"}) {
        EXPECT_EQ(run_with(done, {verb, "alice-1"}).code, 2);
        EXPECT_EQ(run_with(done, {verb, "alice-1"}, {"y\n"}).code, 2) << "input that is no terminal is no consent";
        EXPECT_EQ(run_with(done, {verb, "alice-1"}, {"n\n", true}).code, 4);
        EXPECT_EQ(run_with(done, {verb, "alice-1"}, {"", true}).code, 4);
        EXPECT_EQ(calls(), 0U);
    }
    const auto asked = run_with(done, {"retire", "alice-1"}, {"y\n", true});
    EXPECT_EQ(asked.code, 0);
    EXPECT_THAT(asked.err, HasSubstr("retire alice-1 takes them away"));
    EXPECT_EQ(run_with(done, {"retire", "alice-1", "--yes"}).code, 0);
    EXPECT_EQ(run_with(done, {"stop", "alice-1"}).code, 0);
    EXPECT_EQ(calls(), 3U);
    EXPECT_EQ(last().body, R"({"verb":"stop","globs":["alice-1"]})");
}

TEST_F(Verbs, EventsAreOneObjectALine) {
    const wire::Json event{{"id", 7},
                           {"time", "2026-11-21T12:00:00Z"},
                           {"kind", "phase"},
                           {"guest", "alice-1"},
                           {"operation", "o-3"},
                           {"message", "stopped \xE2\x86\x92 starting"}};
    const auto events = wire::Json::array({event, event});
    EXPECT_EQ(run_with(json(events), {"events", "--since", "6", "--json"}).out,
              wire::dump(event) + "\n" + wire::dump(event) + "\n");
    EXPECT_EQ(last().target, "/v1/events?since=6&limit=1000");
    EXPECT_THAT(run_with(json(events), {"events"}).out,
                HasSubstr("2026-11-21T12:00:00Z 7      phase     alice-1: stopped \xE2\x86\x92 starting (o-3)\n"));
    EXPECT_EQ(run_with(json(wire::Json::array()), {"events", "--json"}).out, "");
}

TEST_F(Verbs, OperationsAreAListAlsoWhenOneIsAskedFor) {
    const wire::Json operation{
        {"id", "o-12"},
        {"who", "root"},
        {"verb", "stop"},
        {"outcome", "failed"},
        {"done", 0},
        {"total", 1},
        {"items", {{{"name", "alice-1"}, {"outcome", "failed"}, {"phase", "ready"}, {"reason", "no way"}}}}};
    EXPECT_EQ(run_with(json(operation), {"operations", "o-12", "--json"}).json(), wire::Json::array({operation}));
    EXPECT_EQ(last().target, "/v1/operations/o-12?outlook=true");
    EXPECT_THAT(run_with(json(operation), {"operations", "o-12"}).out, HasSubstr("alice-1  failed   ready  no way\n"));
    EXPECT_EQ(run_with(json(wire::Json::array()), {"operations", "--limit", "5"}).out, "no operations\n");
    EXPECT_EQ(last().target, "/v1/operations?limit=5");
}

TEST_F(Verbs, AnOperationTellsThatItIsPausedAndWhatItWaitsFor) {
    wire::Json operation{{"id", "o-12"},        {"who", "root"},
                         {"verb", "start"},     {"outcome", "running"},
                         {"finished", nullptr}, {"message", nullptr},
                         {"done", 1},           {"total", 2},
                         {"paused", false},     {"waits_for", "the next start in 4s"}};
    EXPECT_THAT(run_with(json(operation), {"operations", "o-12"}).out,
                HasSubstr("running  1/2   waits for the next start in 4s\n"));
    operation["paused"] = true;
    EXPECT_THAT(run_with(json(operation), {"operations", "o-12"}).out, HasSubstr("paused   1/2"));
}

TEST_F(Verbs, OwnerSetReadsKeysLikeAuthorizedKeys) {
    const wire::Json owner{{"name", "alice"}, {"login", nullptr}, {"quota", 4}, {"guests", 0}, {"keys", {key_one}}};
    const auto file = folder_.file("keys");
    std::ofstream(file) << "# my keys\n\n  " << key_one << "  \n";
    const auto outcome =
        run_with(json(owner), {"owner", "set", "--key", file, "alice", "--quota", "4", "--key", "-"}, {key_one});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "owner alice: quota 4, 1 keys, login -\n");
    EXPECT_EQ(last().method + " " + last().target, "PUT /v1/owners/alice");
    const wire::Json expected{{"quota", 4}, {"keys", {key_one, key_one}}};
    EXPECT_EQ(wire::parse(last().body), expected);
    EXPECT_EQ(run_with(json(owner), {"owner", "set", "alice", "--json"}).json(), owner);
    EXPECT_EQ(last().body, "{}") << "what is not given stays as it is";
    run_with(json(owner), {"owner", "set", "alice", "--key", "/dev/null"});
    EXPECT_EQ(last().body, R"({"keys":[]})");
    run_with(json(owner), {"owner", "set", "alice", "--no-login"});
    EXPECT_EQ(last().body, R"({"login":null})");
}

TEST_F(Verbs, OwnerSetNamesTheLineOfABadKey) {
    const auto file = folder_.file("keys");
    std::ofstream(file) << key_one << "\nrubbish\n";
    const auto outcome = run_with(json({}), {"owner", "set", "alice", "--key", file});
    EXPECT_EQ(outcome.code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("keys:2"));
    EXPECT_EQ(calls(), 0U);
}

TEST_F(Verbs, OwnersAreListedAndRemoved) {
    const auto owners =
        wire::Json::array({{{"name", "alice"}, {"login", "al"}, {"quota", 4}, {"guests", 2}, {"keys", {"k"}}}});
    EXPECT_EQ(run_with(json(owners), {"owner", "list"}).out,
              "NAME   LOGIN  QUOTA  GUESTS  KEYS\nalice  al     4      2       1\n");
    EXPECT_EQ(run_with(json(owners), {"owner", "list", "--json"}).json(), owners);
    EXPECT_EQ(run_with({204, ""}, {"owner", "remove", "alice"}).out, "owner alice removed\n");
    EXPECT_EQ(last().method + " " + last().target, "DELETE /v1/owners/alice");
    EXPECT_EQ(run_with(error(Error(ErrorKind::refused, "2 guests")), {"owner", "remove", "alice"}).code, 4);
}

TEST_F(Verbs, ImagesAreListedAndBuilt) {
    const auto version = "sha256:" + std::string(64, 'a');
    const auto images =
        wire::Json::array({{{"image", "tiny"},
                            {"version", version},
                            {"current", true},
                            {"promoted", "2026-11-21T12:00:00Z"},
                            {"guests", 3},
                            {"bytes", 5 << 20},
                            {"templates", {{{"profile", "basic"}, {"state", "failed"}, {"reason", "it hangs"}}}}}});
    EXPECT_EQ(run_with(json(images), {"image", "list"}).out,
              "IMAGE  VERSION              CURRENT  PROMOTED              GUESTS  MIB  TEMPLATE\n"
              "tiny   sha256:aaaaaaaaaaaa  yes      2026-11-21T12:00:00Z  3       5    failed (basic): it hangs\n");
    wire::Json operation{{"id", "o-3"},
                         {"who", "root"},
                         {"verb", "image-build"},
                         {"created", "2026-11-21T12:00:00Z"},
                         {"finished", "2026-11-21T12:10:00Z"},
                         {"outcome", "done"},
                         {"done", 0},
                         {"total", 0},
                         {"message", version}};
    EXPECT_EQ(run_with(json(operation, 202), {"image", "build", "tiny", "--json"}).json()["outcome"], "done");
    EXPECT_EQ(last().method + " " + last().target, "POST /v1/images/tiny/build");
    operation["outcome"] = "failed";
    operation["message"] = "recipe said no";
    const auto outcome = run_with(json(operation, 202), {"image", "build", "tiny"});
    EXPECT_EQ(outcome.code, 1);
    EXPECT_THAT(outcome.err, HasSubstr("recipe said no"));
}

TEST_F(Verbs, ShadowsAreCountedAndListed) {
    const auto shadow = [](const char* path, const char* how) { return wire::Json{{"path", path}, {"how", how}}; };
    const wire::Json known{{"name", "a-1"},
                           {"from", "sha256:one"},
                           {"to", nullptr},
                           {"asked", 3},
                           {"left_out", 2},
                           {"unknown", nullptr},
                           {"shadows", {shadow("/etc/\x1bmotd", "edited"), shadow("/var/x", "copy")}}};
    const wire::Json other{{"name", "a-2"},     {"from", nullptr}, {"to", nullptr},
                           {"asked", 3},        {"left_out", 0},   {"unknown", "did not answer"},
                           {"shadows", nullptr}};
    const auto answer = json(wire::Json::array({known, other}));
    EXPECT_EQ(run_with(answer, {"shadows", "a-*", "--to", "7ead"}).out,
              "GUEST  FROM        TO  ASKED  HIDES\n"
              "a-1    sha256:one  -   3      1, 1 copy\n"
              "a-2    -           -   3      ?\n"
              "a-1: /etc/ motd (edited)\n"
              "a-1: /var/x (copy)\n"
              "a-2: not known: did not answer\n"
              "a-1: 2 more paths were not asked for\n");
    EXPECT_EQ(last().target, "/v1/shadows");
    EXPECT_EQ(last().body, R"({"globs":["a-*"],"to":"7ead"})");
    EXPECT_EQ(run_with(answer, {"shadows"}).code, 2);
    EXPECT_EQ(run_with(answer, {"upgrade", "--all", "--shadows", "never"}).code, 2);
}

TEST_F(Verbs, FsckIsCleanOrNot) {
    EXPECT_EQ(run_with(json(wire::Json::array()), {"fsck"}).code, 0);
    EXPECT_EQ(last().body, R"({"repair":false})");
    const auto findings = wire::Json::array({{{"kind", "orphan-domain"},
                                              {"object", "drover-9"},
                                              {"guest", nullptr},
                                              {"detail", "no row"},
                                              {"repair", "destroy it"}}});
    const auto found = run_with(json(findings), {"fsck", "--repair", "--json"});
    EXPECT_EQ(found.code, 1);
    EXPECT_EQ(found.json(), findings);
    EXPECT_EQ(last().body, R"({"repair":true})");
    EXPECT_THAT(run_with(json(findings), {"fsck"}).out,
                HasSubstr("orphan-domain  drover-9  -      no row  destroy it\n"));
    EXPECT_EQ(run_with(error(Error(ErrorKind::unavailable, "no libvirtd")), {"fsck"}).code, 6);
}

TEST_F(Verbs, DoctorShowsWhatBitesFirst) {
    const auto one = [](const char* check, const char* level, const char* mend) {
        return wire::Json{{"check", check}, {"level", level}, {"message", "so it is"}, {"mend", mend}};
    };
    const auto sick =
        wire::Json::array({one("clock", "ok", ""), one("memory", "warn", "stop"), one("qemu", "error", "up")});
    const auto outcome = run_with(json(sick), {"doctor"});
    EXPECT_EQ(last().method + " " + last().target, "GET /v1/doctor");
    EXPECT_EQ(outcome.code, 1);
    EXPECT_EQ(outcome.out,
              "LEVEL  CHECK   MESSAGE   WHAT TO DO\n"
              "error  qemu    so it is  up\n"
              "warn   memory  so it is  stop\n"
              "ok     clock   so it is  -\n");
    EXPECT_EQ(run_with(json(sick), {"doctor", "--json"}).json(), sick);
    EXPECT_EQ(run_with(json(wire::Json::array({one("clock", "ok", "")})), {"doctor"}).code, 0);
    const auto nobody = drover({"doctor", "--socket", folder_.file("none")});
    EXPECT_EQ(nobody.code, 6);
    EXPECT_THAT(nobody.err, HasSubstr("droverd --doctor [--config FILE]"));
}

TEST_F(Verbs, BackupAppearsWholeAndPrivate) {
    const auto file = folder_.file("backup.db");
    const std::string registry("SQLite\0\xff rest", 14);
    const auto outcome =
        run_with({200, registry, "application/octet-stream"}, {"backup", "--registry", file, "--json"});
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    EXPECT_EQ(outcome.json()["bytes"], 14);
    std::ifstream stream(file, std::ios::binary);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(stream), {}), registry);
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(Verbs, BackupNeverOverwritesAndLeavesNothingHalf) {
    const auto file = folder_.file("backup.db");
    EXPECT_EQ(run_with({200, "half", "application/octet-stream", true}, {"backup", "--registry", file}).code, 6);
    EXPECT_EQ(run_with(error(Error(ErrorKind::denied, "no")), {"backup", "--registry", file}).code, 5);
    EXPECT_EQ(run_with({200, "x"}, {"backup", "--registry", folder_.file("no/such/folder")}).code, 1);
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.file("")))
        left.push_back(entry.path().filename());
    EXPECT_THAT(left, testing::ElementsAre("s"));
    std::ofstream(file) << "older";
    EXPECT_EQ(run_with({200, "new"}, {"backup", "--registry", file}).code, 4);
    std::string text;
    std::ifstream(file) >> text;
    EXPECT_EQ(text, "older");
}

TEST(EventsFollowed, GoOnWhereThePastEnds) {
    Folder folder;
    StandIn daemon(folder.file("s"), [](const Heard& heard) {
        if (heard.target.find("follow") == std::string::npos)
            return json(wire::Json::array({{{"id", 4}, {"message", "past"}}}));
        return Answer{200, ": hello\n\nid: 5\ndata: {\"id\":5,\"message\":\"now\"}\n\n", "text/event-stream"};
    });
    const auto outcome = drover({"events", "--follow", "--json", "--since", "3", "--socket", folder.file("s")});
    EXPECT_EQ(outcome.out, "{\"id\":4,\"message\":\"past\"}\n{\"id\":5,\"message\":\"now\"}\n");
    EXPECT_EQ(outcome.code, 6) << "the stream ended, and that was not asked for";
    EXPECT_THAT(outcome.err, HasSubstr("--since 5"));
    EXPECT_EQ(daemon.heard().at(1).target, "/v1/events?since=4&follow=true");
}

TEST(EventsPaged, AreReadToTheEnd) {
    Folder folder;
    StandIn daemon(folder.file("s"), [](const Heard& heard) {
        auto events = wire::Json::array();
        const bool first = heard.target.find("since=0") != std::string::npos;
        for (int id = first ? 1 : 1001; id <= (first ? 1000 : 1003); ++id) events.push_back({{"id", id}});
        return json(events);
    });
    const auto outcome = drover({"events", "--json", "--socket", folder.file("s")});
    EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1003);
    EXPECT_EQ(daemon.heard().at(1).target, "/v1/events?since=1000&limit=1000");
}

}  // namespace
}  // namespace drover::cli
