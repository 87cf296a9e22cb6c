#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/wire.hpp"

namespace drover::wire {
namespace {

using testing::HasSubstr;

const Time noon = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21) + std::chrono::hours(12);

Guest sample() {
    Guest guest;
    guest.id = 42;
    guest.name = "alice-4";
    guest.owner = "alice";
    guest.image = "debian";
    guest.profile = "plain";
    guest.host = "local";
    guest.address = parse_address("10.77.0.5");
    guest.phase = Phase::ready;
    guest.want.version = "sha256:" + std::string(64, 'b');
    guest.have.version = "sha256:" + std::string(64, 'a');
    guest.created = noon;
    guest.started_by = "fork";
    return guest;
}

std::vector<std::string> names_of(const Json& object) {
    std::vector<std::string> result;
    for (const auto& [name, value] : object.items()) result.push_back(name);
    return result;
}

TEST(Listing, HasTheFieldsOfTheContract) {
    const auto listing = guest_listing(sample(), "lab", {});
    EXPECT_THAT(names_of(listing), testing::ElementsAre("id", "name", "owner", "kind", "image", "version", "profile",
                                                        "phase", "desired", "network", "address", "addresses", "mac",
                                                        "domain", "host", "fault", "created", "started_by"));
    EXPECT_EQ(dump(listing),
              R"({"id":42,"name":"alice-4","owner":"alice","kind":"vm","image":"debian","version":"sha256:)" +
                  std::string(64, 'a') +
                  R"(","profile":"plain","phase":"ready","desired":"ready","network":"default","address":"10.77.0.5",)"
                  R"("addresses":["10.77.0.5"],"mac":"52:54:00:00:00:2a","domain":"lab-42","host":"local",)"
                  R"("fault":null,"created":"2026-11-21T12:00:00Z","started_by":"fork"})");
}

TEST(Listing, SaysNullForWhatThereIsNot) {
    auto guest = sample();
    guest.owner.reset();
    guest.started_by.clear();
    guest.have.version.clear();
    guest.fault = Fault{"start", "no such \xff", noon};
    const auto listing = guest_listing(guest, "drover", {});
    EXPECT_TRUE(listing["owner"].is_null());
    EXPECT_TRUE(listing["started_by"].is_null());
    EXPECT_EQ(listing["version"], guest.want.version);
    EXPECT_EQ(dump(listing["fault"]),
              "{\"kind\":\"start\",\"message\":\"no such \xEF\xBF\xBD\",\"since\":\"2026-11-21T12:00:00Z\"}");
}

TEST(Listing, MatchesByExactText) {
    auto guest = sample();
    guest.fault = Fault{"start", "x", noon};
    const auto listing = guest_listing(guest, "drover", {});
    EXPECT_TRUE(listing_matches(listing, {}));
    EXPECT_TRUE(listing_matches(listing, {{"id", "42"}, {"phase", "ready"}, {"addresses", "10.77.0.5"}}));
    EXPECT_TRUE(listing_matches(listing, {{"fault", "start"}}));
    EXPECT_FALSE(listing_matches(listing, {{"fault", ""}}));
    EXPECT_FALSE(listing_matches(listing, {{"phase", "read"}}));
    EXPECT_FALSE(listing_matches(listing, {{"phase", "ready"}, {"owner", ""}}));
    guest.owner.reset();
    guest.fault.reset();
    EXPECT_TRUE(listing_matches(guest_listing(guest, "drover", {}), {{"owner", ""}, {"fault", ""}}));
}

TEST(Show, AddsHowToGetIn) {
    auto guest = sample();
    EXPECT_TRUE(guest_show(guest, "drover", {})["host_key"].is_null());
    EXPECT_EQ(dump(guest_show(guest, "drover", {})["timings"]), "{}");
    // The fingerprint is what `ssh-keygen -lf` prints for this key.
    guest.host_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    guest.timings.start = Duration(1500);
    const auto show = guest_show(guest, "drover", {});
    EXPECT_EQ(show["ssh"], "ssh root@10.77.0.5");
    EXPECT_EQ(show["host_key"]["fingerprint"], "SHA256:ZkAslGjFiUHdGf/WUL8rQvkib4PTvQatUV0OUQSncCA");
    EXPECT_EQ(show["host_key"]["known_hosts"], "alice-4,10.77.0.5 " + guest.host_key);
    EXPECT_EQ(show["timings"]["start"], 1.5);
}

TEST(Fingerprint, IgnoresTheCommentAndRefusesNonsense) {
    const std::string key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
    EXPECT_EQ(key_fingerprint(key), key_fingerprint(key + " me@home"));
    for (const auto* text : {"", "ssh-ed25519", "ssh-ed25519 ", "ssh-ed25519 !!!"}) {
        EXPECT_THROW(key_fingerprint(text), Error) << text;
    }
}

TEST(Reservations, SurviveTheWire) {
    const auto json = encode(GuestReservation{12, {"alice-4"}, {"alice-1"}}, "running");
    EXPECT_EQ(dump(json), R"({"operation":"o-12","created":["alice-4"],"existing":["alice-1"],"outcome":"running"})");
    const auto back = decode_reservation(json);
    EXPECT_EQ(back.operation, 12);
    EXPECT_THAT(back.created, testing::ElementsAre("alice-4"));
    EXPECT_THAT(back.existing, testing::ElementsAre("alice-1"));
}

Operation sample_operation() {
    return {13,
            "root",
            "stop",
            R"({"all":true})",
            noon,
            {},
            "running",
            2,
            1,
            "",
            "15/30s",
            true,
            {{42, "alice-4", "failed", Phase::ready, "no", noon + std::chrono::milliseconds(1500), std::nullopt}}};
}

TEST(Operations, AreListedAsInTheContract) {
    EXPECT_EQ(
        dump(operation_listing(sample_operation())),
        R"({"id":"o-13","who":"root","verb":"stop","arguments":{"all":true},"created":"2026-11-21T12:00:00Z",)"
        R"("finished":null,"outcome":"running","done":1,"total":2,"message":null,"wave":"15/30s","paused":true})");
}

TEST(Operations, SurviveTheWire) {
    auto operation = sample_operation();
    operation.finished = noon + std::chrono::seconds(61);
    const auto back = decode_operation(parse(dump(operation_with_items(operation))));
    EXPECT_EQ(dump(operation_with_items(back)), dump(operation_with_items(operation)));
    EXPECT_EQ(back.finished, operation.finished);
    ASSERT_EQ(back.items.size(), 1U);
    EXPECT_EQ(back.items[0].name, "alice-4");
    EXPECT_EQ(back.items[0].outcome, "failed");
    EXPECT_EQ(back.items[0].phase, Phase::ready);
    EXPECT_EQ(back.items[0].reason, "no");
    EXPECT_EQ(back.items[0].begun, noon + std::chrono::milliseconds(1500));
    EXPECT_EQ(back.items[0].ended, std::nullopt);
    EXPECT_EQ(back.wave, "15/30s");
    EXPECT_TRUE(back.paused);
}

TEST(Operations, TellWhatIsToBeExpected) {
    const auto json = with_outlook(operation_with_items(sample_operation()), {"its turn", std::chrono::seconds(90)});
    EXPECT_EQ(json["ends_in"], 90.0);
    EXPECT_EQ(decode_outlook(json).waits_for, "its turn");
    EXPECT_EQ(decode_outlook(json).ends_in, std::chrono::seconds(90));
    const auto held = with_outlook(operation_with_items(sample_operation()), {});
    EXPECT_TRUE(held["waits_for"].is_null() && held["ends_in"].is_null());
    EXPECT_EQ(decode_outlook(held).ends_in, std::nullopt);
}

TEST(Operations, ArgumentsThatAreNoJsonAreShownAsTheyAre) {
    auto operation = sample_operation();
    operation.arguments = "not {json";
    EXPECT_EQ(operation_listing(operation)["arguments"], "not {json");
    operation.arguments = "";
    EXPECT_EQ(dump(operation_listing(operation)["arguments"]), "{}");
}

TEST(Answers, OfANewerDaemonAreUnderstood) {
    auto json = operation_with_items(sample_operation());
    json["colour"] = "blue";
    json["items"][0]["colour"] = "red";
    EXPECT_EQ(decode_operation(json).id, 13);
}

TEST(Answers, ThatMakeNoSenseAreTheDaemonsFault) {
    auto kind_of = [](const Json& json) {
        try {
            decode_operation(json);
        } catch (const Error& error) {
            return error.kind();
        }
        return ErrorKind::interrupted;
    };
    auto broken = operation_with_items(sample_operation());
    EXPECT_EQ(kind_of("text"), ErrorKind::failed);
    EXPECT_EQ(kind_of(Json::object()), ErrorKind::failed);
    broken["created"] = "yesterday";
    EXPECT_EQ(kind_of(broken), ErrorKind::failed);
    broken = operation_with_items(sample_operation());
    broken["items"][0]["phase"] = "flying";
    EXPECT_EQ(kind_of(broken), ErrorKind::failed);
    broken = operation_with_items(sample_operation());
    broken["id"] = "12";
    EXPECT_EQ(kind_of(broken), ErrorKind::failed);
    EXPECT_THROW(parse_answer("<html>"), Error);
    EXPECT_NO_THROW(parse_answer(std::string(32, '[') + std::string(32, ']')));
    EXPECT_THROW(parse_answer(std::string(33, '[') + std::string(33, ']')), Error);
}

TEST(Answers, HaveTheFieldsOfTheContract) {
    EXPECT_EQ(
        dump(encode(Event{7, noon, "phase", "alice-4", 12, "ready"})),
        R"({"id":7,"time":"2026-11-21T12:00:00Z","kind":"phase","guest":"alice-4","operation":"o-12","message":"ready"})");
    EXPECT_EQ(
        dump(encode(Event{8, noon, "daemon", "", {}, "started"})),
        R"({"id":8,"time":"2026-11-21T12:00:00Z","kind":"daemon","guest":null,"operation":null,"message":"started"})");
    EXPECT_EQ(dump(encode(Owner{"alice", {}, 10, 3, {"k"}})),
              R"({"name":"alice","login":null,"quota":10,"guests":3,"keys":["k"]})");
    EXPECT_EQ(
        dump(encode(Finding{"stale-dns", "10.0.0.9", "", "no guest", "remove the entry"})),
        R"({"kind":"stale-dns","object":"10.0.0.9","guest":null,"detail":"no guest","repair":"remove the entry"})");
    const ShadowSight sight{{{"/etc/motd", Hiding::edited}}, ""};
    EXPECT_EQ(dump(encode(ShadowRow{"a-1", "one", "", 2, 1, sight})),
              R"({"name":"a-1","from":"one","to":null,"asked":2,"left_out":1,)"
              R"("shadows":[{"path":"/etc/motd","how":"edited"}],"unknown":null})");
    EXPECT_EQ(dump(encode(Plan{Verb::upgrade, {{"a-1", {}, {}, ShadowSight{{}, "did not answer"}}}, {}})["guests"]),
              R"([{"name":"a-1","begin":null,"end":null,"shadows":null,"unknown":"did not answer"}])");
    EXPECT_EQ(dump(encode(ImageRow{.image = "tiny"})),
              R"({"image":"tiny","version":null,"current":false,"built":null,"promoted":null,"guests":0,)"
              R"("bytes":0,"templates":[]})");
    EXPECT_EQ(dump(encode(Status{"drover", "0.1.0", "u", "10.0.0.0/20", "tcg"})),
              R"({"instance":"drover","version":"0.1.0","registry":"u","subnet":"10.0.0.0/20","accelerator":"tcg"})");
}

TEST(Errors, SurviveTheWire) {
    for (const auto kind : {ErrorKind::failed, ErrorKind::usage, ErrorKind::not_found, ErrorKind::refused,
                            ErrorKind::denied, ErrorKind::unavailable, ErrorKind::timed_out}) {
        const Error error(kind, "no owner 'alice'", "drover owner set alice");
        const auto back = decode_error(form_of(kind).http_status, dump(encode(error)));
        EXPECT_EQ(back.kind(), kind);
        EXPECT_STREQ(back.what(), "no owner 'alice'");
        EXPECT_EQ(back.hint(), "drover owner set alice");
    }
    EXPECT_EQ(dump(encode(Error(ErrorKind::not_found, "m", "h"))),
              R"({"error":{"kind":"not-found","message":"m","hint":"h"}})");
}

TEST(Errors, OfOthersAreMadeOurs) {
    for (const auto* body : {"", "<html>", "[]", "{}", R"({"error":"x"})", R"({"error":{"kind":1}})"}) {
        EXPECT_EQ(decode_error(500, body).kind(), ErrorKind::failed) << body;
        EXPECT_EQ(decode_error(503, body).kind(), ErrorKind::unavailable) << body;
        EXPECT_THAT(decode_error(502, body).what(), HasSubstr("502"));
    }
}

}  // namespace
}  // namespace drover::wire
