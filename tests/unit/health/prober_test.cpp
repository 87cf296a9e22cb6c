#include "health/prober.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>

#include "model/unique_fd.hpp"

/// Probes against servers of this machine's own.
namespace drover {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

/// A server that says the same to everybody; of an empty answer nothing, ever.
class Server {
  public:
    explicit Server(std::string answer) : answer_(std::move(answer)) {
        listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in place{};
        place.sin_family = AF_INET;
        place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* address = reinterpret_cast<sockaddr*>(&place);
        socklen_t size = sizeof place;
        EXPECT_EQ(::bind(listener_.get(), address, size), 0);
        EXPECT_EQ(::getsockname(listener_.get(), address, &size), 0);
        port_ = ntohs(place.sin_port);
        EXPECT_EQ(::listen(listener_.get(), 64), 0);
        worker_ = std::thread([this] { serve(); });
    }
    ~Server() {
        ::shutdown(listener_.get(), SHUT_RDWR);
        worker_.join();
    }
    [[nodiscard]] int port() const { return port_; }
    void answer(const std::string& text) {
        const std::lock_guard lock(mutex_);
        answer_ = text;
    }

  private:
    void serve() {
        std::vector<UniqueFd> kept;
        while (true) {
            UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            if (client.get() < 0) return;
            const std::lock_guard lock(mutex_);
            if (!answer_.empty()) ::send(client.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
            if (answer_.empty()) kept.push_back(std::move(client));
        }
    }
    std::mutex mutex_;
    std::string answer_;
    UniqueFd listener_;
    int port_ = 0;
    std::thread worker_;
};

class ProberTest : public testing::Test {
  protected:
    void ask(const std::vector<Probe>& probes) {
        prober = std::make_unique<Prober>(
            ProberParts{.targets =
                            [probes] {
                                return std::vector<ProbeTarget>{{1, "alice-1", parse_address("127.0.0.1"), probes}};
                            },
                        .tell = [this](const ProbeTarget&, const std::string& message) { note(told, message); },
                        .restart = [this](const ProbeTarget&, const Probe& probe,
                                          const std::string&) { note(restarted, probe.restart); }});
        prober->start();
    }
    void note(std::vector<std::string>& list, const std::string& text) {
        const std::lock_guard lock(mutex);
        list.push_back(text);
        news.notify_all();
    }
    [[nodiscard]] bool comes(const std::vector<std::string>& list, std::size_t count) {
        std::unique_lock lock(mutex);
        return news.wait_for(lock, 60s, [&] { return list.size() >= count; });
    }
    static Probe probe(int port, const std::string& path) {
        return {.port = port, .path = path, .interval = 1s, .timeout = 500ms, .restart = ""};
    }

    std::mutex mutex;
    std::condition_variable news;
    std::vector<std::string> told, restarted;
    std::unique_ptr<Prober> prober;
};

TEST_F(ProberTest, EachKindOfTroubleIsToldOnceAfterThreeFailures) {
    int closed = 0;
    {
        const Server gone("x");
        closed = gone.port();
    }
    const Server silent(""), wrong("SSH-2.0-x\r\n"), failing("HTTP/1.1 503 Busy\r\n\r\n"), fine("HTTP/1.0 204\r\n\r\n");
    ask({probe(closed, ""), probe(silent.port(), "/"), probe(wrong.port(), "/"), probe(failing.port(), "/x"),
         probe(fine.port(), "/"), probe(fine.port(), "")});
    ASSERT_TRUE(comes(told, 4));
    std::this_thread::sleep_for(1500ms);  // nothing more is to come
    const std::lock_guard lock(mutex);
    EXPECT_THAT(told, testing::UnorderedElementsAre(HasSubstr("failed 3 times: Connection refused"),
                                                    HasSubstr("no answer within 500ms"), HasSubstr("speaks no HTTP"),
                                                    HasSubstr("the answer is 503")));
    EXPECT_TRUE(restarted.empty()) << "nobody asked for that";
}

TEST_F(ProberTest, AServiceIsRestartedWhereTheProfileSaysSo) {
    Server server("HTTP/1.1 500 No\r\n\r\n");
    Probe failing = probe(server.port(), "/");
    failing.restart = "web";
    ask({failing});
    ASSERT_TRUE(comes(restarted, 2)) << "and again while it fails";
    EXPECT_EQ(restarted.front(), "web");
    const std::lock_guard lock(mutex);
    EXPECT_EQ(told.size(), 1U);
}

}  // namespace
}  // namespace drover
