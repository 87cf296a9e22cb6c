#include "cli/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>

#include "model/unique_fd.hpp"
#include "stand_in.hpp"

namespace drover::cli {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class ClientTest : public testing::Test {
  protected:
    template <typename Call> static Error error_of(Call call) {
        try {
            call();
        } catch (const Error& error) {
            return error;
        }
        ADD_FAILURE() << "went well";
        return {ErrorKind::failed, ""};
    }

    Folder folder_;
    std::string socket_ = folder_.file("s");
};

TEST_F(ClientTest, AsksAndIsAnswered) {
    StandIn daemon(socket_, [](const Heard& heard) { return json({{"you_said", heard.body}}); });
    Client client(socket_);
    EXPECT_EQ(client.get("/v1/status").at("you_said"), "");
    EXPECT_EQ(client.post("/v1/x", {{"a", 1}}, "key-1").at("you_said"), R"({"a":1})");
    EXPECT_EQ(client.put("/v1/y", {{"b", 2}}).at("you_said"), R"({"b":2})");
    const auto heard = daemon.heard();
    ASSERT_EQ(heard.size(), 3U);
    EXPECT_EQ(heard[0].method + heard[1].method + heard[2].method, "GETPOSTPUT");
    EXPECT_EQ(heard[1].idempotency_key, "key-1");
    EXPECT_EQ(heard[2].idempotency_key, "");
}

TEST_F(ClientTest, AnAnswerMayBeEmptyOrLong) {
    StandIn daemon(socket_, [](const Heard& heard) {
        return heard.method == "DELETE" ? Answer{204, ""} : json(std::string(5'000'000, 'x'));
    });
    Client client(socket_);
    EXPECT_NO_THROW(client.remove("/v1/owners/alice"));
    EXPECT_EQ(client.get("/").get<std::string>().size(), 5'000'000U);
}

TEST_F(ClientTest, TheDaemonsErrorIsThrownAsItIs) {
    StandIn daemon(socket_, [](const Heard&) { return error(Error(ErrorKind::refused, "quota 3", "ask for less")); });
    const auto thrown = error_of([&] { Client(socket_).get("/"); });
    EXPECT_EQ(thrown.kind(), ErrorKind::refused);
    EXPECT_STREQ(thrown.what(), "quota 3");
    EXPECT_EQ(thrown.hint(), "ask for less");
}

TEST_F(ClientTest, NobodyThereIsUnavailable) {
    EXPECT_EQ(error_of([&] { Client(socket_).get("/"); }).kind(), ErrorKind::unavailable);
    {
        StandIn gone(socket_, [](const Heard&) { return json({}); });
    }
    EXPECT_EQ(error_of([&] { Client(socket_).get("/"); }).kind(), ErrorKind::unavailable);
    std::ofstream(socket_) << "a file, no socket";
    const auto thrown = error_of([&] { Client(socket_).post("/", {}); });
    EXPECT_EQ(thrown.kind(), ErrorKind::unavailable);
    EXPECT_THAT(thrown.what(), HasSubstr(socket_));
    EXPECT_THAT(thrown.hint(), HasSubstr("--socket"));
    EXPECT_EQ(error_of([&] { Client(std::string(108, 'x')).get("/"); }).kind(), ErrorKind::usage);
}

TEST_F(ClientTest, ALookWithoutAnswerIsUnavailableAChangeIsUnknown) {
    StandIn daemon(socket_, [](const Heard&) { return Answer{0, ""}; });
    Client client(socket_);
    EXPECT_EQ(error_of([&] { client.get("/"); }).kind(), ErrorKind::unavailable);
    const auto thrown = error_of([&] { client.post("/v1/changes", {{"a", 1}}); });
    EXPECT_EQ(thrown.kind(), ErrorKind::failed);
    EXPECT_THAT(thrown.what(), HasSubstr("POST /v1/changes"));
    EXPECT_THAT(thrown.hint(), HasSubstr("may have been accepted"));
}

TEST_F(ClientTest, ADaemonThatNeverAnswersIsGivenUp) {
    // A socket that is listened on, and nothing more: connections are taken into the backlog and never served.
    const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
    const Deadlines short_ones{50ms, 50ms};
    EXPECT_THAT(error_of([&] { Client(socket_, short_ones).get("/"); }).what(), HasSubstr("no answer in time"));
    // The backlog is full now or soon: then the connect itself is given up.
    for (int i = 0; i < 3; ++i) {
        const auto thrown = error_of([&] { Client(socket_, short_ones).get("/"); });
        EXPECT_EQ(thrown.kind(), ErrorKind::unavailable) << thrown.what();
    }
}

TEST_F(ClientTest, NonsenseIsTheDaemonsFault) {
    StandIn daemon(socket_, [](const Heard& heard) { return Answer{heard.target == "/a" ? 200 : 404, "<html>"}; });
    EXPECT_EQ(error_of([&] { Client(socket_).get("/a"); }).kind(), ErrorKind::failed);
    EXPECT_EQ(error_of([&] { Client(socket_).get("/b"); }).kind(), ErrorKind::failed);
}

TEST_F(ClientTest, StreamsWhatHasNoEnd) {
    const std::string large(3'000'000, 'r');
    StandIn daemon(socket_, [&](const Heard&) { return Answer{200, large, "application/octet-stream"}; });
    std::string got;
    Client(socket_).stream("/v1/backup", [&](std::string_view piece) { got += piece; });
    EXPECT_EQ(got, large);
}

TEST_F(ClientTest, AStreamThatBreaksIsNotTakenForWhole) {
    StandIn daemon(socket_, [](const Heard&) { return Answer{200, "half", "application/octet-stream", true}; });
    const auto thrown = error_of([&] { Client(socket_).stream("/v1/backup", [](std::string_view) {}); });
    EXPECT_EQ(thrown.kind(), ErrorKind::unavailable);
}

TEST_F(ClientTest, ARefusedStreamGivesNoPiece) {
    StandIn daemon(socket_, [](const Heard&) { return error(Error(ErrorKind::denied, "administrators only")); });
    const auto thrown = error_of(
        [&] { Client(socket_).stream("/v1/backup", [](std::string_view) { ADD_FAILURE() << "got a piece"; }); });
    EXPECT_EQ(thrown.kind(), ErrorKind::denied);
}

TEST(EventStreams, GiveTheDataOfEachEvent) {
    std::vector<std::string> data;
    EventStream stream([&](const std::string& text) { data.push_back(text); });
    stream.feed(": keepalive\n\nid: 1\ndata: {\"id\":1}\n\nid: 2\r\ndata:{\"id\":2}\r\n\r\ndata: a\ndata: b\n\nda");
    stream.feed("ta: c");
    EXPECT_THAT(data, ElementsAre("{\"id\":1}", "{\"id\":2}", "a\nb"));
    stream.feed("\n\n");
    EXPECT_EQ(data.back(), "c");
}

RC_GTEST_PROP(EventStreams, DoNotMindHowTheyAreCut, (std::vector<std::uint8_t> cuts)) {
    const std::string whole = "id: 1\ndata: one\n\n: still here\n\nid: 2\ndata: two\n\n";
    std::vector<std::string> data;
    EventStream stream([&](const std::string& text) { data.push_back(text); });
    std::string_view rest = whole;
    for (const auto cut : cuts) {
        const auto size = std::min<std::size_t>(cut, rest.size());
        stream.feed(rest.substr(0, size));
        rest.remove_prefix(size);
    }
    stream.feed(rest);
    RC_ASSERT(data == (std::vector<std::string>{"one", "two"}));
}

TEST(EventStreams, RefuseALineWithoutEnd) {
    EventStream stream([](const std::string&) {});
    EXPECT_THROW(stream.feed(std::string(2U << 20, 'x')), Error);
}

}  // namespace
}  // namespace drover::cli
