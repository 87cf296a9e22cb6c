#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "wire/wire.hpp"

namespace drover::wire {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Parameters parameters(const std::string& query) { return parse_target("/x?" + query).parameters; }

template <typename Call> std::string usage_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::usage) << error.what();
        return error.what();
    }
    ADD_FAILURE() << "was accepted";
    return "";
}

TEST(Targets, AreTakenApart) {
    const auto target = parse_target("/v1/guests/alice%2D1?glob=a%2A&glob=b&where=owner%3Dalice");
    EXPECT_THAT(target.path, ElementsAre("v1", "guests", "alice-1"));
    EXPECT_THAT(target.parameters, ElementsAre(Pair("glob", "a*"), Pair("glob", "b"), Pair("where", "owner=alice")));
    EXPECT_THAT(parse_target("/").path, testing::IsEmpty());
    EXPECT_THAT(parse_target("/a?").parameters, testing::IsEmpty());
    EXPECT_THAT(parse_target("/a?x=").parameters, ElementsAre(Pair("x", "")));
}

TEST(Targets, ThatAreBadAreRefused) {
    for (const auto* target :
         {"", "v1", "//", "/v1/", "/a//b", "/%", "/%2", "/%zz", "/%00", "/a?x", "/a?x=%0", "/a?&", "/a?x=1&"}) {
        EXPECT_NE(usage_of([&] { parse_target(target); }), "") << target;
    }
    EXPECT_THAT(usage_of([] { parse_target("/" + std::string(8192, 'a')); }), HasSubstr("8193 bytes"));
}

RC_GTEST_PROP(Targets, CarryAnyText, (const std::string& name, const std::string& value)) {
    RC_PRE(!name.empty() && name.find('\0') == std::string::npos && value.find('\0') == std::string::npos);
    const auto target = parse_target("/v1/" + escape(name) + query_string({{name, value}, {"again", value}}));
    RC_ASSERT(target.path == (std::vector<std::string>{"v1", name}));
    RC_ASSERT(target.parameters == (Parameters{{name, value}, {"again", value}}));
}

TEST(ListQueries, SurviveTheWire) {
    ListQuery query;
    query.selection.globs = {"alice-*", "bob-[1-3]"};
    query.selection.owner = "alice";
    query.gone = true;
    query.where = {{"phase", "ready"}, {"version", "sha256:a=b&c"}, {"started_by", ""}};
    const auto target = parse_target("/v1/guests" + query_string(encode(query)));
    EXPECT_EQ(decode_list_query(target.parameters), query);
    EXPECT_EQ(decode_list_query({}), ListQuery{});
    EXPECT_EQ(query_string(encode(ListQuery{})), "");
}

TEST(ListQueries, NameWhatIsWrong) {
    auto complaint = [](const std::string& query) { return usage_of([&] { decode_list_query(parameters(query)); }); };
    EXPECT_THAT(complaint("colour=red"), HasSubstr("unknown parameter \"colour\" with the value \"red\""));
    EXPECT_THAT(complaint("owner=a&owner=b"), HasSubstr("'owner' is given twice"));
    EXPECT_THAT(complaint("owner=A"), HasSubstr("'A'"));
    EXPECT_THAT(complaint("gone=1"), HasSubstr("'gone' is \"1\""));
    EXPECT_THAT(complaint("where=phase"), HasSubstr("key=value"));
    EXPECT_THAT(complaint("where=colour%3Dred"), HasSubstr("unknown field \"colour\""));
    EXPECT_THAT(complaint("where=phase%3Da&where=phase%3Db"), HasSubstr("'phase' twice"));
    EXPECT_THAT(complaint("glob=a%3Bb"), HasSubstr("a;b"));
}

TEST(OtherQueries, AreRead) {
    const auto events = decode_event_query(parameters("since=12&limit=5&follow=true"));
    EXPECT_EQ(events.since, 12);
    EXPECT_EQ(events.limit, 5);
    EXPECT_TRUE(events.follow);
    EXPECT_FALSE(decode_event_query({}).follow);
    const auto wait = decode_operation_wait(parameters("done=3&wait=30"));
    EXPECT_EQ(wait.done, 3);
    EXPECT_EQ(wait.wait, 30s);
    EXPECT_EQ(decode_operation_wait({}).wait, 0s);
    EXPECT_EQ(decode_limit({}, 100), 100);
    EXPECT_EQ(decode_limit(parameters("limit=7"), 100), 7);
    EXPECT_NO_THROW(expect_none({}));
}

TEST(OtherQueries, NameWhatIsWrong) {
    EXPECT_THAT(usage_of([] { decode_event_query(parameters("since=-1")); }), HasSubstr("'since' is \"-1\""));
    EXPECT_THAT(usage_of([] { decode_event_query(parameters("since=")); }), HasSubstr("'since' is \"\""));
    EXPECT_THAT(usage_of([] { decode_event_query(parameters("since=1x")); }), HasSubstr("'since'"));
    EXPECT_THAT(usage_of([] { decode_event_query(parameters("limit=0")); }), HasSubstr("'limit'"));
    EXPECT_THAT(usage_of([] { decode_operation_wait(parameters("wait=31")); }), HasSubstr("from 0 to 30"));
    EXPECT_THAT(usage_of([] { decode_operation_wait(parameters("wait=1&wait=2")); }), HasSubstr("twice"));
    EXPECT_THAT(usage_of([] { decode_limit(parameters("limit=99999999999999999999"), 1); }), HasSubstr("'limit'"));
    EXPECT_THAT(usage_of([] { expect_none(parameters("x=1")); }), HasSubstr("unknown parameter"));
}

}  // namespace
}  // namespace drover::wire
