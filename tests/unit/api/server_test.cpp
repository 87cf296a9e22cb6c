#include "api/server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>
#include <vector>

#include "model/unique_fd.hpp"

namespace drover {
namespace {

using testing::HasSubstr;

/// A client that says exactly what it is told and reads until the other end is done.
class RawClient {
  public:
    explicit RawClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        if (connect(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
            throw std::runtime_error(path);
    }

    void say(const std::string& text) const {
        std::size_t sent = 0;
        while (sent < text.size()) {
            const ssize_t size = send(fd_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (size <= 0) return;  // the server has heard enough
            sent += static_cast<std::size_t>(size);
        }
    }

    /// Reads until `until` was seen or the connection ends.
    [[nodiscard]] std::string hear(const std::string& until = std::string(1, 0)) {
        std::string heard;
        char byte = 0;
        while (heard.find(until) == std::string::npos && read(fd_.get(), &byte, 1) == 1) heard += byte;
        return heard;
    }

  private:
    UniqueFd fd_;
};

std::string get(const std::string& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: drover\r\nConnection: close\r\n\r\n";
}

class ServerTest : public testing::Test {
  protected:
    ServerTest() {
        thread = std::thread([this] {
            server.run({.identify =
                            [](int) {
                                return Peer{{"tester", true}};
                            },
                        .handle = [this](Call& call) { return handle(call); }});
        });
    }
    ~ServerTest() override {
        server.stop();
        thread.join();
        std::filesystem::remove(path);
    }

    std::optional<Answer> handle(Call& call) {
        const std::string& what = call.part(1);
        if (what == "later") return happened ? std::optional(answer({{"happened", true}})) : std::nullopt;
        if (what == "wait" && call.waited < std::chrono::milliseconds(50)) return std::nullopt;
        if (what == "refuse") throw Error(ErrorKind::refused, "no", "ask for less");
        if (what == "stream")
            return Answer{.type = "text/event-stream", .more = [this] {
                              return std::optional<std::string>(happened.exchange(false) ? "data: x\n\n" : "");
                          }};
        if (what == "whom") return answer({{"whom", call.on_behalf_of.value_or("nobody")}});
        return answer({{"method", call.method}, {"body", call.body}, {"key", call.idempotency_key}});
    }

    std::string path = (std::filesystem::temp_directory_path() / ("server." + std::to_string(getpid()))).string();
    Server server{path};
    std::atomic<bool> happened = false;
    std::thread thread;
};

TEST_F(ServerTest, PassesMethodBodyAndKeyToTheHandler) {
    RawClient client(path);
    client.say(
        "PUT /v1/x HTTP/1.1\r\nHost: d\r\nIdempotency-Key: k1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}");
    const std::string heard = client.hear();
    EXPECT_NE(heard.find("200 OK"), std::string::npos) << heard;
    EXPECT_NE(heard.find(R"({"method":"PUT","body":"{}","key":"k1"})"), std::string::npos) << heard;
}

TEST_F(ServerTest, AnIdempotencyKeyThatCannotBeKeptIsRefused) {
    for (const std::string header :
         {"Idempotency-Key:", "Idempotency-Key: a b", "Idempotency-Key: a\r\nIdempotency-Key: a"}) {
        RawClient client(path);
        client.say("POST /v1/x HTTP/1.1\r\nHost: d\r\n" + header + "\r\nConnection: close\r\n\r\n");
        EXPECT_NE(client.hear().find("HTTP/1.1 400"), std::string::npos) << header;
    }
}

TEST_F(ServerTest, AHeaderThatDecidesSomethingComesOnce) {
    const auto ask = [this](const std::string& headers) {
        RawClient client(path);
        client.say("GET /v1/whom HTTP/1.1\r\nHost: d\r\nConnection: close\r\n" + headers + "\r\n");
        return client.hear();
    };
    EXPECT_THAT(ask(""), HasSubstr(R"({"whom":"nobody"})"));
    EXPECT_THAT(ask("on-behalf-of: alice\r\n"), HasSubstr(R"({"whom":"alice"})"));
    EXPECT_THAT(ask("On-Behalf-Of:\r\n"), HasSubstr(R"({"whom":""})"));
    EXPECT_THAT(ask("On-Behalf-Of: alice\r\nOn-Behalf-Of: bob\r\n"), HasSubstr("HTTP/1.1 400"));
    EXPECT_THAT(ask("Idempotency-Key: a\r\nIdempotency-Key: a\r\n"), HasSubstr("HTTP/1.1 400"));
}

TEST_F(ServerTest, AnErrorBecomesItsStatusAndKind) {
    RawClient client(path);
    client.say(get("/v1/refuse"));
    const std::string heard = client.hear();
    EXPECT_NE(heard.find("HTTP/1.1 409"), std::string::npos) << heard;
    EXPECT_NE(heard.find(R"({"error":{"kind":"refused","message":"no","hint":"ask for less"}})"), std::string::npos);
}

TEST_F(ServerTest, ACallerWhoWaitsIsAnsweredWhenItHappens) {
    RawClient client(path);
    client.say(get("/v1/later"));
    happened = true;
    server.news();
    EXPECT_NE(client.hear().find(R"({"happened":true})"), std::string::npos);
}

TEST_F(ServerTest, ACallerWhoWaitedLongEnoughIsAnsweredAnyway) {
    RawClient client(path);
    client.say(get("/v1/wait"));
    EXPECT_NE(client.hear().find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, AStreamBringsNewsUntilTheClientLeaves) {
    RawClient client(path);
    client.say(get("/v1/stream"));
    EXPECT_NE(client.hear("\r\n\r\n").find("text/event-stream"), std::string::npos);
    for (int i = 0; i < 3; ++i) {
        happened = true;
        server.news();
        EXPECT_NE(client.hear("data: x\n\n").find("data: x"), std::string::npos);
    }
}

TEST_F(ServerTest, ABodyOverTheLimitIsRefusedAndTheServerGoesOn) {
    RawClient big(path);
    big.say("POST /v1/x HTTP/1.1\r\nHost: d\r\nContent-Length: 10485760\r\n\r\n" + std::string(1 << 16, 'x'));
    EXPECT_NE(big.hear("\r\n").find("400"), std::string::npos);
    RawClient next(path);
    next.say(get("/v1/x"));
    EXPECT_NE(next.hear().find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, GarbageIsAnsweredOnceAndDropped) {
    RawClient client(path);
    client.say("\x01\x02 nonsense\r\n\r\n");
    EXPECT_NE(client.hear().find("bad HTTP request"), std::string::npos);
}

TEST_F(ServerTest, IdleAndHalfRequestsDoNotKeepOthersWaiting) {
    std::vector<std::unique_ptr<RawClient>> idle;
    for (int i = 0; i < 200; ++i) {
        idle.push_back(std::make_unique<RawClient>(path));
        if (i % 2 == 0) idle.back()->say("GET /v1/x HTTP/1.1\r\nHo");
    }
    RawClient client(path);
    client.say(get("/v1/x"));
    EXPECT_NE(client.hear().find("200 OK"), std::string::npos);
}

TEST_F(ServerTest, ASecondServerAtTheSameSocketIsRefused) {
    try {
        const Server second(path);
        FAIL() << "two servers at one socket";
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::refused);
    }
}

TEST(Server, ASocketFileOfADeadServerIsReplaced) {
    const std::string path = (std::filesystem::temp_directory_path() / ("dead." + std::to_string(getpid()))).string();
    {
        const UniqueFd dead(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof(address.sun_path) - 1);
        ASSERT_EQ(bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    }
    EXPECT_NO_THROW(Server server(path));
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace drover
