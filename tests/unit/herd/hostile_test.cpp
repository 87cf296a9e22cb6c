#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <future>
#include <sstream>
#include <thread>

#include "fixture.hpp"
#include "simulation/fake_guest.hpp"

/// A guest that means harm ends as a fault of its own; others, the events and the log hardly notice.
namespace drover {
namespace {

const std::string hello = "\nHELLO 1 0123456789abcdef0123456789abcdef -\n";
const std::string lie = "\nREADY " + std::string(64, 'a') + "\n";
constexpr int many = 600;  // lines: more than the sessions read in two seconds

/// Guest 1 is possessed, guest 2 is not.
class HostileTest : public HerdTest {
  protected:
    HostileTest() {
        config.ready_timeout = 1s;  // enough for the honest one on a busy machine
        config.attempts = 2;
    }

    /// The possessed one is given up after all attempts, the other is ready.
    void expect_one_fault() {
        EXPECT_EQ(outcome_of(request(2).operation), "partial");
        const Guest bad = *registry.guests.get(1);
        ASSERT_TRUE(bad.fault);
        EXPECT_NE(bad.fault->message.find("not ready within"), std::string::npos) << bad.fault->message;
        EXPECT_EQ(domains.starts(1), config.attempts);
        EXPECT_EQ(registry.guests.get(2)->phase, Phase::ready);
        EXPECT_EQ(domains.identity(2).name, "alice-2");
        EXPECT_EQ(domains.starts(2), 1);
    }

    /// Guest 1 gets ready, says all this on the same line, one after the other so that each is worth a look, and all of
    /// it is read.
    void say_when_ready(const std::function<std::vector<std::string>(const std::string& ready)>& words) {
        std::promise<void> ready, over;
        std::atomic<int> opened = 0;
        domains.possess(1, [&](const Line& line) {
            if (++opened == 2) over.set_value();  // the daemon has read the first line to its end
            FakeGuest self;
            static_cast<void>(line.say(self.greet()));
            std::string last;
            while (self.identity().name.empty()) {
                const std::string bytes = line.hear();
                if (bytes.empty()) return;
                last = self.hear(bytes);
                static_cast<void>(line.say(last));
            }
            if (opened > 1) {
                while (!line.hear().empty()) continue;
                return;
            }
            ready.get_future().wait();
            for (const std::string& word : words(last.substr(last.rfind("READY")))) {
                static_cast<void>(line.say(word));
                std::this_thread::sleep_for(3ms);
            }
        });
        config.ready_timeout = patience;  // that the machine is busy is not what makes it a nuisance
        start_herd();
        ASSERT_EQ(outcome_of(request(2).operation), "done");
        before = events();
        ready.set_value();
        EXPECT_EQ(over.get_future().wait_for(patience), std::future_status::ready);
        herd.reset();
        domains.wait();  // the script refers to this frame
    }

    long long events() { return registry.events.last(); }

    long long before = 0;
};

TEST_F(HostileTest, TRUST_6_AGuestThatSaysHelloAndNothingElseIsGivenUp) {
    domains.possess(1, [](const Line& line) {
        static_cast<void>(line.say(hello));
        while (!line.hear().empty()) continue;
    });
    start_herd();
    expect_one_fault();
}

TEST_F(HostileTest, TRUST_10_AGuestWhoseFirstChannelStaysSilentIsHeardOnTheNext) {
    config.ready_timeout = 5s;  // it is called ten times in it
    std::atomic<int> opened = 0;
    domains.possess(1, [&](const Line& line) {
        const bool silent = ++opened == 1;
        FakeGuest self;
        for (std::string bytes = line.hear(); !bytes.empty(); bytes = line.hear())
            if (!silent) static_cast<void>(line.say(self.hear(bytes)));
    });
    start_herd();
    EXPECT_EQ(outcome_of(request(1).operation), "done");
    EXPECT_EQ(domains.starts(1), 1);
    herd.reset();
    domains.wait();  // the script refers to this frame
}

TEST_F(HostileTest, TRUST_6_AGuestThatClaimsAnotherIdentityIsGivenUp) {
    domains.possess(1, [](const Line& line) {
        static_cast<void>(line.say(hello));
        while (!line.hear().empty() && line.say(lie)) continue;
    });
    start_herd();
    expect_one_fault();
}

TEST_F(HostileTest, TRUST_6_AGuestThatFloodsIsGivenUpAndLeavesFewEvents) {
    domains.possess(1, [](const Line& line) {
        while (line.say(hello + lie)) continue;
    });
    start_herd();
    expect_one_fault();
    EXPECT_LT(events(), 20 * config.attempts);
}

TEST_F(HostileTest, TRUST_6_AGuestWhoseLineHasNoEndIsGivenUp) {
    domains.possess(1, [](const Line& line) {
        const std::string piece(1 << 16, 'x');
        while (line.say(piece)) continue;
    });
    start_herd();
    expect_one_fault();
}

TEST_F(HostileTest, TRUST_6_AGuestThatHangsUpAtOnceIsGivenUp) {
    domains.possess(1, [](const Line&) {});
    start_herd();
    expect_one_fault();
}

TEST_F(HostileTest, TRUST_6_AReadyGuestThatChangesItsMindAllTheTimeLeavesFewEvents) {
    say_when_ready([](const std::string& ready) {
        std::vector<std::string> words;
        for (int i = 0; i < many / 2; ++i) words.insert(words.end(), {hello.substr(1), ready});
        return words;
    });
    EXPECT_LT(events() - before, 60);
    EXPECT_EQ(registry.guests.get(2)->phase, Phase::ready);
    EXPECT_EQ(domains.starts(1), 1) << "it is a nuisance, no failure";
}

TEST_F(HostileTest, TRUST_6_AnswersToRequestsThatWereNeverMadeDoNotFillTheLog) {
    std::ostringstream log;
    const auto usual = spdlog::default_logger();
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
    say_when_ready([](const std::string&) {
        std::vector<std::string> words;
        for (int i = 0; i < many / 2; ++i) words.push_back(fmt::format("OK {}\nERR {} no\n", 4'000'000'000 + i, i));
        return words;
    });
    spdlog::set_default_logger(usual);
    const std::string text = log.str();
    EXPECT_NE(text.find("refused request 0: no"), std::string::npos) << "the first is worth a line";
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 80);
    EXPECT_LE(events() - before, 1);
}

}  // namespace
}  // namespace drover
