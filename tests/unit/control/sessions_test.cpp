#include "control/sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

/// The host's ends of the channels against guests that mean harm: what one of them sends costs little and hinders
/// nobody.
namespace drover::control {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto patience = 60s;
const std::string boot = "0123456789abcdef0123456789abcdef";
const std::string hello = "HELLO 1 " + boot + " -\n";
const std::string ready = "READY " + std::string(64, 'a') + "\n";

/// The guest's end of a channel: says what it is told to say.
class Guest {
  public:
    explicit Guest(UniqueFd line) : line_(std::move(line)) {}

    /// Blocks while the daemon does not read; false when it has hung up.
    [[nodiscard]] bool say(std::string_view text) const {
        while (!text.empty()) {
            const ssize_t size = ::send(line_.get(), text.data(), text.size(), MSG_NOSIGNAL);
            if (size <= 0) return false;
            text.remove_prefix(static_cast<std::size_t>(size));
        }
        return true;
    }
    void hang_up() const { ::shutdown(line_.get(), SHUT_RDWR); }
    [[nodiscard]] std::string hear_line() const {
        std::string line;
        char byte = 0;
        while (!line.ends_with('\n') && ::recv(line_.get(), &byte, 1, 0) == 1) line += byte;
        return line;
    }

  private:
    UniqueFd line_;
};

/// Resident memory of this process, in bytes.
std::size_t memory() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class SessionsTest : public testing::Test {
  protected:
    Guest attach(GuestId id) {
        std::array<int, 2> pair{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        sessions.attach(id, UniqueFd(pair[0]));
        return Guest(UniqueFd(pair[1]));
    }

    template <typename Condition> [[nodiscard]] bool eventually(Condition condition) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, patience, condition);
    }
    [[nodiscard]] bool has_said(GuestId id, std::size_t count) {
        return eventually([&] { return said[id].size() >= count; });
    }

    std::mutex mutex;
    std::condition_variable changed;
    std::map<GuestId, std::vector<FromGuest>> said;
    std::map<GuestId, int> ends;
    Sessions sessions{{.said =
                           [this](GuestId id, const FromGuest& message) {
                               const std::lock_guard lock(mutex);
                               if (said[id].size() < 10'000) said[id].push_back(message);
                               changed.notify_all();
                           },
                       .closed =
                           [this](GuestId id) {
                               const std::lock_guard lock(mutex);
                               ++ends[id];
                               changed.notify_all();
                           }}};
};

TEST_F(SessionsTest, TRUST_6_LinesThatAreNoneAreDroppedAndTheNextIsHeard) {
    const Guest guest = attach(1);
    ASSERT_TRUE(guest.say("garbage up to the first newline\n"));
    for (const std::string& line : std::vector{
             std::string("HELLO\0 1", 8), std::string(1, '\0'), std::string("READY \xff\xfe"), std::string("\xc0\xaf"),
             "READY " + std::string(64, 'A'), "READY " + std::string(63, 'a'), "HELLO 1 " + boot + " no-key",
             "HELLO 1 " + boot + " " + std::string(43, 'A'), "HELLO 1 " + boot + " " + std::string(44, 'A'),
             "HELLO 2 " + boot + " -", std::string("STOP 1"), std::string(max_line, 'x'),
             std::string(max_line + 1, 'x'), std::string("ERR 1 \x1b[2J"), std::string("OK 99999999999")})
        ASSERT_TRUE(guest.say(line + "\n"));
    ASSERT_TRUE(guest.say(hello + ready));
    ASSERT_TRUE(has_said(1, 2));
    EXPECT_THAT(said[1], ElementsAre(FromGuest(Hello{boot, ""}), FromGuest(Ready{std::string(64, 'a')})));
}

TEST_F(SessionsTest, TRUST_6_HundredsOfMegabytesWithoutANewlineAreNotKept) {
    const Guest guest = attach(1);
    const std::string piece(1 << 20, 'x');
    ASSERT_TRUE(guest.say(piece));
    const std::size_t before = memory();
    for (int i = 0; i < 300; ++i) ASSERT_TRUE(guest.say(piece));
    EXPECT_LT(memory(), before + (32 << 20));
    ASSERT_TRUE(guest.say("\n" + hello));
    ASSERT_TRUE(has_said(1, 1));
    EXPECT_THAT(said[1], ElementsAre(FromGuest(Hello{boot, ""})));
}

TEST_F(SessionsTest, TRUST_6_AFloodOfLinesIsReadSlowlyAndOthersAreHeard) {
    Guest flood = attach(1);
    const std::size_t before = memory();
    std::atomic<std::size_t> sent = 0;
    std::thread flooding([&] {
        while (flood.say(hello + ready)) ++sent;
    });
    EXPECT_TRUE(has_said(1, 200));
    for (GuestId id = 2; id < 30; ++id) {
        const Guest guest = attach(id);
        EXPECT_TRUE(guest.say("\n" + hello));
        EXPECT_TRUE(has_said(id, 1)) << id;
    }
    EXPECT_LT(memory(), before + (32 << 20));
    flood.hang_up();
    flooding.join();
    EXPECT_TRUE(eventually([&] { return ends[1] == 1; }));
}

TEST_F(SessionsTest, TRUST_6_AFloodOfEmptyLinesIsBoundedToo) {
    const Guest flood = attach(1);
    std::thread flooding([&] {
        const std::string newlines(1 << 16, '\n');
        while (flood.say(newlines)) continue;
    });
    const Guest other = attach(2);
    EXPECT_TRUE(other.say("\n" + hello));
    EXPECT_TRUE(has_said(2, 1));
    flood.hang_up();
    flooding.join();
    EXPECT_THAT(said[1], IsEmpty());
}

TEST_F(SessionsTest, TRUST_6_AGuestThatDoesNotReadIsNotSentMore) {
    const Guest deaf = attach(1);
    const std::vector<FromDaemon> much(16, Key{1, "authorized", "ssh-ed25519 " + std::string(2000, 'A')});
    int sent = 0;
    while (sent < 10'000 && sessions.send(1, much)) ++sent;
    EXPECT_LT(sent, 10'000) << "it is told that no more fits";
    const Guest other = attach(2);
    EXPECT_EQ(other.hear_line(), "\n");
    EXPECT_THAT(other.hear_line(), testing::StartsWith("PING "));
}

TEST_F(SessionsTest, TRUST_6_ChannelsThatCloseAndReopenAtOnceLeaveNothing) {
    const auto descriptors = [] {
        return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                             std::filesystem::directory_iterator());
    };
    const auto before = descriptors();
    for (int i = 1; i <= 500; ++i) {
        const Guest guest = attach(1);
        static_cast<void>(guest.say(i % 2 == 0 ? "\nHELLO 1 " : hello));
        guest.hang_up();
        ASSERT_TRUE(eventually([&] { return ends[1] == i; }));
    }
    EXPECT_FALSE(sessions.attached(1));
    const Guest last = attach(1);
    ASSERT_TRUE(last.say("\n" + ready));
    EXPECT_TRUE(eventually([&] { return !said[1].empty() && std::holds_alternative<Ready>(said[1].back()); }));
    EXPECT_LE(descriptors(), before + 50) << "some of the last may be on their way to be closed";
}

TEST_F(SessionsTest, ASecondChannelReplacesTheFirstWithoutAWord) {
    const Guest first = attach(1);
    const Guest second = attach(1);
    ASSERT_TRUE(second.say("\n" + hello));
    EXPECT_TRUE(has_said(1, 1));
    EXPECT_TRUE(sessions.attached(1));
    EXPECT_TRUE(eventually([&] { return ends[1] == 0; }));
}

}  // namespace
}  // namespace drover::control
