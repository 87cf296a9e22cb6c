#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/wire.hpp"

namespace drover::wire {
namespace {

using testing::HasSubstr;

/// What the error says; fails when there is none, or when it is not the requester's fault.
template <typename Call> std::string usage_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
        return error.what() + std::string(" ") + error.hint();
    }
    ADD_FAILURE() << "was accepted";
    return "";
}

TEST(Parse, RefusesWhatOnlyLooksLikeJson) {
    EXPECT_THAT(usage_of([] { parse("{"); }), HasSubstr("not JSON"));
    EXPECT_THAT(usage_of([] { parse(""); }), HasSubstr("not JSON"));
    EXPECT_THAT(usage_of([] { parse("{} {}"); }), HasSubstr("not JSON"));
    EXPECT_THAT(usage_of([] { parse("{\"a\": NaN}"); }), HasSubstr("not JSON"));
    EXPECT_THAT(usage_of([] { parse("{\"a\": \"\xff\"}"); }), HasSubstr("not JSON"));
}

TEST(Parse, ANulIsNoEnd) {
    using namespace std::string_literals;
    EXPECT_THAT(usage_of([] { parse("{}\0"s); }), HasSubstr("byte 3 is NUL"));
    EXPECT_THAT(usage_of([] { parse("{}\0{\"a\":1}"s); }), HasSubstr("byte 3 is NUL"));
    EXPECT_THAT(usage_of([] { decode_guest_request(parse(R"({"count":1,"owner":"a\u0000b"})"), ""); }),
                HasSubstr(R"("a\u0000b")"));
    EXPECT_THAT(usage_of([] { decode_change(parse(R"({"verb":"stop","globs":["a\u0000b"]})")); }),
                HasSubstr(R"("a\u0000b")"));
}

TEST(Parse, RefusesDoubledFields) {
    EXPECT_THAT(usage_of([] { parse(R"({"a":1,"b":2,"a":3})"); }), HasSubstr("\"a\" stands twice"));
    EXPECT_THAT(usage_of([] { parse(R"({"x":[{"a":1,"a":1}]})"); }), HasSubstr("\"a\" stands twice"));
    EXPECT_THAT(usage_of([] { parse(R"({"a":1,"\u0061":1})"); }), HasSubstr("\"a\" stands twice"));
    EXPECT_NO_THROW(parse(R"({"a":{"a":1},"b":{"a":1}})"));
}

TEST(Parse, RefusesDepthAndLength) {
    EXPECT_NO_THROW(parse(std::string(8, '[') + std::string(8, ']')));
    EXPECT_THAT(usage_of([] { parse(std::string(9, '[') + std::string(9, ']')); }), HasSubstr("nested deeper"));
    EXPECT_THAT(usage_of([] { parse(std::string(100000, '[')); }), HasSubstr("nested deeper"));
    EXPECT_THAT(usage_of([] { parse("\"" + std::string(max_body, 'x') + "\""); }), HasSubstr("bytes"));
}

TEST(Parse, RefusesObjectsOfManyFields) {
    Json many = Json::object();
    for (std::size_t i = 0; i < max_fields; ++i) many[std::to_string(i)] = 1;
    EXPECT_NO_THROW(parse(dump(many)));
    many["one too many"] = 1;
    EXPECT_THAT(usage_of([&] { parse(dump(many)); }), HasSubstr("more than 64 fields"));
}

TEST(GuestRequests, SurviveTheWire) {
    GuestRequest request{"alice", 3, "debian", "web", "lab", Kind::container, true, "key.1"};
    EXPECT_EQ(decode_guest_request(parse(dump(encode(request))), "key.1"), request);
    GuestRequest least;
    least.count = 1;
    EXPECT_EQ(dump(encode(least)), R"({"count":1})");
    EXPECT_EQ(decode_guest_request(encode(least)), least);
}

TEST(GuestRequests, NameTheFieldAtFault) {
    auto complaint = [](const char* body) { return usage_of([&] { decode_guest_request(parse(body)); }); };
    EXPECT_THAT(complaint("[]"), HasSubstr("expected an object"));
    EXPECT_THAT(complaint("{}"), HasSubstr("'count' is missing"));
    EXPECT_THAT(complaint(R"({"count":"3"})"), HasSubstr("'count' is \"3\", expected a whole number from 1 to 10000"));
    EXPECT_THAT(complaint(R"({"count":0})"), HasSubstr("'count' is 0"));
    EXPECT_THAT(complaint(R"({"count":10001})"), HasSubstr("'count' is 10001"));
    EXPECT_THAT(complaint(R"({"count":18446744073709551615})"), HasSubstr("'count' is 18446744073709551615"));
    EXPECT_THAT(complaint(R"({"count":1.0})"), HasSubstr("'count' is 1.0"));
    EXPECT_THAT(complaint(R"({"count":true})"), HasSubstr("'count' is true"));
    EXPECT_THAT(complaint(R"({"count":1,"owner":null})"), HasSubstr("'owner' is null"));
    EXPECT_THAT(complaint(R"({"count":1,"owner":"Alice"})"), HasSubstr("'Alice'"));
    EXPECT_THAT(complaint(R"({"count":1,"image":"../x"})"), HasSubstr("'../x' is no image"));
    EXPECT_THAT(complaint(R"({"count":1,"kind":"jail"})"), HasSubstr("'jail'"));
    EXPECT_THAT(complaint(R"({"count":1,"additional":1})"), HasSubstr("'additional' is 1, expected true or false"));
    EXPECT_THAT(complaint(R"({"count":1,"colour":"red"})"),
                HasSubstr("unknown field \"colour\" with the value \"red\""));
    const auto long_owner = R"({"count":1,"owner":")" + std::string(300, 'a') + "\"}";
    EXPECT_THAT(complaint(long_owner.c_str()), HasSubstr("at most 255 bytes"));
}

TEST(GuestRequests, CheckTheIdempotencyKey) {
    const auto body = parse(R"({"count":1})");
    EXPECT_NO_THROW(decode_guest_request(body, std::string(64, 'k')));
    for (const auto& key : {std::string(65, 'k'), std::string("a b"), std::string("ü"), std::string("a/b")}) {
        EXPECT_THAT(usage_of([&] { decode_guest_request(body, key); }), HasSubstr("idempotency key"));
    }
    EXPECT_THAT(usage_of([&] { check_idempotency_key(""); }), HasSubstr("idempotency key"));
}

TEST(Changes, SurviveTheWire) {
    for (const auto& change : {Change{Verb::stop, {{"alice-*", "bob-1"}, {}, false}},
                               Change{Verb::retire, {{}, "alice", false}}, Change{Verb::start, {{}, {}, true}}}) {
        EXPECT_EQ(decode_change(parse(dump(encode(change)))), change);
    }
}

TEST(Changes, OfAnUpgradeSayToWhatAndWhoGoesFirst) {
    const Change upgrade{.verb = Verb::upgrade,
                         .selection = {{}, {}, true},
                         .to = "sha256:7ead",
                         .canaries = {"alice-1", "bob-2"},
                         .settle = std::chrono::seconds(30),
                         .shadows = ShadowPolicy::reset_path};
    EXPECT_EQ(decode_change(parse(dump(encode(upgrade)))), upgrade);
    auto complaint = [](const std::string& body) { return usage_of([&] { decode_change(parse(body)); }); };
    EXPECT_THAT(complaint(R"({"verb":"upgrade","all":true,"settle":"30s"})"), HasSubstr("'settle' without canaries"));
    EXPECT_THAT(complaint(R"({"verb":"upgrade","all":true,"canaries":["a"],"settle":"x"})"), HasSubstr("'x'"));
    EXPECT_THAT(complaint(R"({"verb":"restart","all":true,"to":"7ead"})"), HasSubstr("unknown field \"to\""));
    EXPECT_THAT(complaint(R"({"verb":"upgrade","all":true,"shadows":"ignore"})"), HasSubstr("'ignore'"));
}

TEST(Shadows, AreAskedOfASelection) {
    const ShadowQuery query{{{"alice-*"}, {}, false}, "7ead"};
    EXPECT_EQ(decode_shadow_query(parse(dump(encode(query)))), query);
    auto complaint = [](const std::string& body) { return usage_of([&] { decode_shadow_query(parse(body)); }); };
    EXPECT_THAT(complaint("{}"), HasSubstr("exactly one of"));
    EXPECT_THAT(complaint(R"({"all":true,"from":"7ead"})"), HasSubstr("unknown field \"from\""));
}

TEST(Changes, OfOverlaysSayWhatTheirVerbTakes) {
    const Selection one{{"alice-1"}, {}, false};
    for (const auto& change : {Change{.verb = Verb::snapshot, .selection = one, .copy = "mine"},
                               Change{.verb = Verb::restore, .selection = one},
                               Change{.verb = Verb::exporting, .selection = one, .file = "/srv/a.tar"},
                               Change{.verb = Verb::rebuild, .selection = one, .keep = {"/home", "/var/lib/x"}},
                               Change{.verb = Verb::retire, .selection = one, .purge = true},
                               Change{.verb = Verb::rollback, .selection = one, .with_snapshot = true}})
        EXPECT_EQ(decode_change(parse(dump(encode(change)))), change);
    auto complaint = [](const std::string& rest) {
        return usage_of([&] { decode_change(parse("{\"globs\":[\"a*\"]," + rest + "}")); });
    };
    EXPECT_THAT(complaint(R"("verb":"snapshot","copy":"../x")"), HasSubstr("'../x'"));
    EXPECT_THAT(complaint(R"("verb":"stop","purge":true)"), HasSubstr("unknown field \"purge\""));
    EXPECT_THAT(complaint(R"("verb":"export")"), HasSubstr("'file'"));
    EXPECT_THAT(complaint(R"("verb":"export","file":"/x")"), HasSubstr("one guest"));
    for (const auto* path : {"home", "/", "/a/../b", "/a b", "/a//b", "/a,b"})
        EXPECT_THAT(complaint(std::string(R"("verb":"rebuild","keep":[")") + path + "\"]"),
                    HasSubstr("no absolute path"))
            << path;
}

TEST(Changes, AreAboutExactlyOneSelection) {
    auto complaint = [](const std::string& body) { return usage_of([&] { decode_change(parse(body)); }); };
    EXPECT_THAT(complaint(R"({"verb":"stop"})"), HasSubstr("exactly one of"));
    EXPECT_THAT(complaint(R"({"verb":"stop","globs":[]})"), HasSubstr("exactly one of"));
    EXPECT_THAT(complaint(R"({"verb":"stop","all":false})"), HasSubstr("exactly one of"));
    EXPECT_THAT(complaint(R"({"verb":"stop","all":true,"owner":"alice"})"), HasSubstr("exactly one of"));
    EXPECT_THAT(complaint(R"({"verb":"stop","globs":["a"],"owner":"alice"})"), HasSubstr("exactly one of"));
}

TEST(Changes, NameTheFieldAtFault) {
    auto complaint = [](const std::string& body) { return usage_of([&] { decode_change(parse(body)); }); };
    EXPECT_THAT(complaint(R"({"all":true})"), HasSubstr("'verb' is missing"));
    EXPECT_THAT(complaint(R"({"verb":"explode","all":true})"), HasSubstr("'explode'"));
    EXPECT_THAT(complaint(R"({"verb":"stop","globs":"a"})"), HasSubstr("'globs' is \"a\", expected a list"));
    EXPECT_THAT(complaint(R"({"verb":"stop","globs":[1]})"), HasSubstr("'globs' is 1"));
    EXPECT_THAT(complaint(R"({"verb":"stop","globs":["a;b"]})"), HasSubstr("a;b"));
    Json many{{"verb", "stop"}, {"globs", std::vector<std::string>(max_globs + 1, "a")}};
    EXPECT_THAT(complaint(dump(many)), HasSubstr("'globs' has 1001 entries, at most 1000"));
}

constexpr auto key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

TEST(OwnerChanges, SurviveTheWire) {
    OwnerChange change{"alice", 12, std::vector<std::string>{key}, "alice_x"};
    EXPECT_EQ(decode_owner_change("alice", parse(dump(encode(change)))), change);
    EXPECT_EQ(decode_owner_change("alice", parse("{}")), (OwnerChange{"alice", {}, {}, {}}));
    EXPECT_EQ(decode_owner_change("alice", parse(R"({"keys":[]})")).keys, std::vector<std::string>{});
    change.login = "";  // taken away
    EXPECT_EQ(decode_owner_change("alice", parse(dump(encode(change)))), change);
}

TEST(OwnerChanges, NameTheFieldAtFault) {
    auto complaint = [](const std::string& name, const char* body) {
        return usage_of([&] { decode_owner_change(name, parse(body)); });
    };
    EXPECT_THAT(complaint("Alice", "{}"), HasSubstr("'Alice'"));
    EXPECT_THAT(complaint("alice", R"({"quota":-1})"), HasSubstr("'quota' is -1"));
    EXPECT_THAT(complaint("alice", R"({"login":"a b"})"), HasSubstr("'a b'"));
    EXPECT_THAT(complaint("alice", R"({"login":""})"), HasSubstr("''"));
    EXPECT_THAT(complaint("alice", R"({"keys":["nonsense"]})"), HasSubstr("nonsense"));
    EXPECT_THAT(complaint("alice", R"({"name":"bob"})"), HasSubstr("unknown field \"name\""));
}

TEST(Fsck, TakesRepairOnly) {
    EXPECT_FALSE(decode_fsck(parse("{}")));
    EXPECT_TRUE(decode_fsck(parse(R"({"repair":true})")));
    EXPECT_THAT(usage_of([] { decode_fsck(parse(R"({"repair":"yes"})")); }), HasSubstr("'repair'"));
}

/// Whatever comes in, a decoder takes it or says that the requester is at fault; nothing else ever leaves it.
RC_GTEST_PROP(Decoders, NeverFailOtherwise, (const std::string& noise)) {
    auto accepts_or_complains = [](auto call) {
        try {
            call();
        } catch (const Error& error) {
            RC_ASSERT(error.kind() == ErrorKind::usage);
        }
    };
    accepts_or_complains([&] { parse(noise); });
    accepts_or_complains([&] { parse_target("/" + noise); });
    const Json text(noise);
    Json body;
    try {
        body = parse(dump(Json{{"count", 1}, {"owner", noise}, {"verb", noise}, {"globs", {noise}}}));
    } catch (const Error&) {
        RC_FAIL("dump made text that parse refuses");
    }
    accepts_or_complains([&] { decode_guest_request(body); });
    accepts_or_complains([&] { decode_change(body); });
    accepts_or_complains([&] { decode_list_query({{"glob", noise}, {"where", noise}}); });
}

TEST(Services, AreReadAsTheyWereWritten) {
    const ServiceChange change{ServiceVerb::disable, "web", {{"alice-*"}, std::nullopt, false}};
    EXPECT_EQ(decode_service_change(encode(change)), change);
    const PasswordChange password{"alice-1", "root", "$6$salt$" + std::string(86, 'x')};
    EXPECT_EQ(decode_password_change(encode(password)), password);
    const Selection selection{{}, "alice", false};
    EXPECT_EQ(decode_key_change(encode(selection)), selection);
    EXPECT_EQ(decode_service_query(encode_service_query(selection)), selection);
    EXPECT_TRUE(decode_service_query({}).all);
}

TEST(Services, AreNamedStrictly) {
    const auto usage = [](const std::string& fields) {
        return usage_of([&] { decode_service_change(parse("{" + fields + ",\"globs\":[\"a\"]}")); });
    };
    for (const auto* name : {"../web", "web;reboot", "Web", "web-", "", "web STOP", "/bin/sh"})
        EXPECT_THAT(usage(std::string("\"verb\":\"start\",\"service\":\"") + name + "\""), HasSubstr("service"));
    EXPECT_THAT(usage(R"("verb":"reload","service":"web")"), HasSubstr("'reload'"));
    EXPECT_THAT(usage(R"("verb":"status","service":"web")"), HasSubstr("'status'"));
    EXPECT_THAT(usage(R"("verb":"start")"), HasSubstr("service"));
    EXPECT_THAT(usage(R"("verb":"start","service":"web","unit":"a.service")"), HasSubstr("unit"));
    EXPECT_THAT(usage_of([] { decode_service_change(parse(R"({"verb":"start","service":"web"})")); }),
                HasSubstr("exactly one"));
}

TEST(Passwords, AreHashesAndAreNotRepeatedWhenTheyAreNone) {
    const auto said =
        usage_of([] { decode_password_change(parse(R"({"guest":"a-1","user":"root","hash":"my secret"})")); });
    EXPECT_THAT(said, HasSubstr("sha512-crypt"));
    EXPECT_THAT(said, testing::Not(HasSubstr("my secret")));
    const auto hash = "$6$salt$" + std::string(86, 'x');
    EXPECT_THAT(usage_of([&] {
                    decode_password_change({{"guest", "a-*"}, {"user", "root"}, {"hash", hash}});
                }),
                HasSubstr("a-*"));
    EXPECT_THAT(usage_of([&] {
                    decode_password_change({{"guest", "a-1"}, {"user", "ro:ot"}, {"hash", hash}});
                }),
                HasSubstr("ro:ot"));
}

}  // namespace
}  // namespace drover::wire
