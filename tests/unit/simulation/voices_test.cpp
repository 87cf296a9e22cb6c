#include "simulation/voices.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <future>
#include <map>
#include <string>
#include <string_view>

namespace drover {
namespace {

constexpr int patience_ms = 10'000;

/// What comes next on a line; empty: it was closed.
std::string next(const UniqueFd& line) {
    pollfd waiting{.fd = line.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, patience_ms) != 1) return "nothing came";
    std::array<char, 4096> bytes{};
    const auto count = ::recv(line.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return {bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
}

bool is_silent(const UniqueFd& line) {
    pollfd waiting{.fd = line.get(), .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 50) == 0;
}

bool greets(const UniqueFd& line) { return next(line).find("HELLO ") != std::string::npos; }

void tell(const UniqueFd& line, const control::FromDaemon& message) {
    const auto text = "\n" + control::encode(message);
    ASSERT_EQ(::send(line.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

struct Limit {
    explicit Limit(rlim_t files) {
        ::getrlimit(RLIMIT_NOFILE, &former);
        const rlimit lower{files, former.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &lower);
    }
    ~Limit() { ::setrlimit(RLIMIT_NOFILE, &former); }
    rlimit former{};
};

TEST(Voices, HaveEndsThatDoNotCountAgainstTheLimitOfTheProcess) {
#ifdef __SANITIZE_THREAD__
    GTEST_SKIP() << "TSan takes descriptors of two file tables for the same";
#endif
    constexpr int count = 300;
    const Limit limit(count * 3 / 2);
    Voices voices("", [](GuestId) {});
    std::map<GuestId, UniqueFd> lines;
    for (GuestId id = 1; id <= count; ++id) {
        voices.boot(id);
        lines[id] = voices.connect(id);
    }
    for (const auto& [id, line] : lines) ASSERT_TRUE(greets(line)) << id;
    for (const auto& [id, line] : lines) tell(line, control::Ping{1});
    for (const auto& [id, line] : lines) ASSERT_FALSE(next(line).empty()) << id;
}

TEST(Voices, AreServedOnTheOldestLineThatIsOpen) {
    Voices voices("", [](GuestId) {});
    voices.boot(1);
    auto first = voices.connect(1);
    const auto second = voices.connect(1);
    EXPECT_TRUE(greets(first));
    tell(second, control::Ping{1});
    EXPECT_TRUE(is_silent(second));
    first = UniqueFd();
    EXPECT_FALSE(next(second).empty());
}

TEST(Voices, FallSilentAndSpeakAgain) {
    Voices voices("", [](GuestId) {});
    voices.boot(1);
    const auto line = voices.connect(1);
    EXPECT_TRUE(greets(line));
    voices.mute(1, true);
    tell(line, control::Ping{1});
    EXPECT_TRUE(is_silent(line));
    voices.mute(1, false);
    EXPECT_FALSE(next(line).empty());
}

TEST(Voices, HangUpWhenTheyEndAndGreetOnTheNextLine) {
    Voices voices("", [](GuestId) {});
    for (int round = 0; round < 100; ++round) {
        voices.boot(1);
        voices.mute(1, false);
        const auto line = voices.connect(1);
        ASSERT_TRUE(greets(line));
        voices.halt(1);
        voices.boot(1);
        voices.mute(1, false);
        ASSERT_EQ(next(line), "") << "the former line is closed, unspoken to";
        const auto other = voices.connect(1);
        ASSERT_TRUE(greets(other));
        voices.forget(1);
        ASSERT_EQ(next(other), "");
    }
}

TEST(Voices, TellOnceThatTheyWereToldToStop) {
    std::promise<GuestId> told;
    Voices voices("", [&](GuestId id) { told.set_value(id); });
    voices.boot(7);
    const auto line = voices.connect(7);
    tell(line, control::Stop{1});
    tell(line, control::Stop{2});
    EXPECT_EQ(told.get_future().get(), 7);
    EXPECT_TRUE(voices.told_to_stop(7));
}

}  // namespace
}  // namespace drover
