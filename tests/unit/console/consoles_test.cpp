#include "console/consoles.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <thread>

#include "model/error.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::HasSubstr;

bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

/// A tty, with the guest at its other end.
struct Tty {
    Tty() {
        std::array<int, 2> ends{};
        termios raw{};
        ::cfmakeraw(&raw);
        if (::openpty(&ends[0], &ends[1], nullptr, &raw, nullptr) != 0) throw std::runtime_error("no tty");
        guest = UniqueFd(ends[0]);
        host = UniqueFd(ends[1]);
    }
    UniqueFd guest, host;
};

/// Somebody at a console.
struct Person {
    Person() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) throw std::runtime_error("no socket");
        mine = UniqueFd(ends[0]);
        theirs = UniqueFd(ends[1]);
    }
    UniqueFd mine, theirs;
};

void say(const UniqueFd& fd, const std::string& text) {
    ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

/// What comes until `end` was seen, or the other end is closed.
std::string hear(const UniqueFd& fd, const std::string& end = "") {
    std::string all;
    std::array<char, 65536> space{};
    pollfd file{fd.get(), POLLIN, 0};
    while (end.empty() || all.find(end) == std::string::npos) {
        if (::poll(&file, 1, 30000) <= 0) return all + "(nothing more comes)";
        const auto size = ::read(fd.get(), space.data(), space.size());
        if (size <= 0) return all;
        all.append(space.data(), static_cast<std::size_t>(size));
    }
    return all;
}

class ConsolesTest : public testing::Test {
  protected:
    ConsolesTest() : folder_(fs::path(testing::TempDir()) / fmt::format("consoles-{}", ::getpid())) {
        fs::remove_all(folder_);
        consoles_.emplace(folder_, LogStore::Limits{});
        consoles_->watch([this](GuestId id) { closed_ = id; });
    }
    ~ConsolesTest() override {
        consoles_.reset();
        fs::remove_all(folder_);
    }

    void open(GuestId id, Tty& tty) { consoles_->open(id, std::move(tty.host)); }
    SeatPtr sit(GuestId id, Person& person, const std::string& who = "alice", bool by_force = false) {
        auto seat = consoles_->take_seat(id, who, by_force);
        consoles_->sit_down(seat, std::move(person.theirs), "");
        return seat;
    }
    std::string log() { return consoles_->logs().read(7, 0).value_or(""); }

    fs::path folder_;
    std::atomic<GuestId> closed_ = 0;
    std::optional<Consoles> consoles_;
};

TEST_F(ConsolesTest, WhatAGuestPrintsIsKeptThoughNobodySitsThere) {
    Tty tty;
    consoles_->begin(7, "alice-1");
    open(7, tty);
    say(tty.guest, "hello\n");
    EXPECT_TRUE(comes_true([&] { return log().find("hello\n") != std::string::npos; })) << log();
    EXPECT_THAT(log(), HasSubstr("-- alice-1 started 20"));
    EXPECT_EQ(consoles_->figures().bytes, 6);
}

TEST_F(ConsolesTest, BothWaysAndTheLogHasItToo) {
    Tty tty;
    open(7, tty);
    Person alice;
    sit(7, alice);
    say(alice.mine, "uptime\r");
    EXPECT_EQ(hear(tty.guest, "\r"), "uptime\r");
    say(tty.guest, "up 3 days\n");
    EXPECT_EQ(hear(alice.mine, "\n"), "up 3 days\n");
    EXPECT_TRUE(comes_true([&] { return log().find("up 3 days\n") != std::string::npos; }));
    EXPECT_EQ(consoles_->visitor(7)->who, "alice");
    alice.mine = UniqueFd();
    EXPECT_TRUE(comes_true([&] { return !consoles_->visitor(7); }));
    EXPECT_TRUE(consoles_->is_open(7));
}

TEST_F(ConsolesTest, WhatWasSaidBeforeSheSatDownArrives) {
    Tty tty;
    open(7, tty);
    Person alice;
    consoles_->sit_down(consoles_->take_seat(7, "alice", false), std::move(alice.theirs), "early\r");
    EXPECT_EQ(hear(tty.guest, "\r"), "early\r");
    say(alice.mine, "late\r");
    EXPECT_EQ(hear(tty.guest, "\r"), "late\r");
}

TEST_F(ConsolesTest, TheNextIsRefusedUnlessByForce) {
    Tty tty;
    open(7, tty);
    Person alice, bob;
    const auto seat = sit(7, alice);
    try {
        consoles_->take_seat(7, "bob", false);
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::refused);
        EXPECT_THAT(error.what(), HasSubstr("alice sits at its console since 20"));
    }
    sit(7, bob, "bob", true);
    EXPECT_EQ(hear(alice.mine), "");
    say(tty.guest, "for bob\n");
    EXPECT_EQ(hear(bob.mine, "\n"), "for bob\n");
    EXPECT_EQ(consoles_->visitor(7)->who, "bob");
}

TEST_F(ConsolesTest, WhoLostTheSeatBeforeSittingDownStands) {
    Tty tty;
    open(7, tty);
    Person alice, bob;
    const auto hers = consoles_->take_seat(7, "alice", false);
    sit(7, bob, "bob", true);
    consoles_->sit_down(hers, std::move(alice.theirs), "");
    EXPECT_EQ(hear(alice.mine), "");
    say(tty.guest, "for bob\n");
    EXPECT_EQ(hear(bob.mine, "\n"), "for bob\n");
}

TEST_F(ConsolesTest, ASeatThatIsLetGoIsFree) {
    Tty tty;
    open(7, tty);
    consoles_->take_seat(7, "alice", false);
    EXPECT_EQ(consoles_->visitor(7), std::nullopt);
    EXPECT_NE(consoles_->take_seat(7, "bob", false), nullptr);
}

TEST_F(ConsolesTest, WhenTheGuestEndsSoDoesTheVisitAfterItsLastWords) {
    Tty tty;
    open(7, tty);
    Person alice;
    sit(7, alice);
    say(tty.guest, "good bye\n");
    EXPECT_EQ(hear(alice.mine, "\n"), "good bye\n");
    tty.guest = UniqueFd();
    EXPECT_EQ(hear(alice.mine), "");
    EXPECT_TRUE(comes_true([&] { return closed_ == 7; }));
    EXPECT_FALSE(consoles_->is_open(7));
    EXPECT_THROW(consoles_->take_seat(7, "alice", false), Error);
}

TEST_F(ConsolesTest, AVisitorWhoReadsNothingHoldsNobody) {
    Tty tty, other;
    open(7, tty);
    open(8, other);
    Person alice;
    sit(7, alice);
    std::string line(1000, 'x');
    line.back() = '\n';
    for (int i = 0; i < 400; ++i) say(tty.guest, line);  // more than sockets and queues hold
    say(tty.guest, "the end\n");
    EXPECT_TRUE(comes_true([&] { return log().find("the end") != std::string::npos; }));
    say(other.guest, "me too\n");
    EXPECT_TRUE(comes_true([&] { return consoles_->logs().read(8, 0).value_or("") == "me too\n"; }));
    hear(alice.mine, line);
    say(tty.guest, "is she back?\n");
    std::string heard;
    EXPECT_TRUE(comes_true([&] {
        say(tty.guest, "and now?\n");
        heard += hear(alice.mine, "\n");
        return heard.find("are missing here]") != std::string::npos;
    }));
}

TEST_F(ConsolesTest, AGuestThatReadsNothingHoldsItsVisitorAlone) {
    Tty tty, other;
    open(7, tty);
    open(8, other);
    Person alice, bob;
    sit(7, alice);
    sit(8, bob, "bob");
    ::fcntl(alice.mine.get(), F_SETFL, O_NONBLOCK);
    const std::string text(65536, 'x');
    std::size_t said = 0;
    EXPECT_TRUE(comes_true([&] {
        const auto size = ::write(alice.mine.get(), text.data(), text.size());
        if (size > 0) said += static_cast<std::size_t>(size);
        return size < 0;
    }));
    EXPECT_LT(said, 2U << 20);
    say(bob.mine, "hello\r");
    EXPECT_EQ(hear(other.guest, "\r"), "hello\r");
    alice.mine = UniqueFd();
    EXPECT_TRUE(comes_true([&] { return !consoles_->visitor(7); }));
    Person carol;
    sit(7, carol, "carol");
    say(tty.guest, "still talking\n");
    EXPECT_EQ(hear(carol.mine, "\n"), "still talking\n");
}

TEST_F(ConsolesTest, AFloodIsReadAtItsRateAndOthersAtOnce) {
    Tty flood, other;
    open(7, flood);
    open(8, other);
    ::fcntl(flood.guest.get(), F_SETFL, O_NONBLOCK);
    const std::string text(4096, 'x');
    std::atomic<bool> over = false;
    std::thread guest([&] {
        while (!over)
            if (::write(flood.guest.get(), text.data(), text.size()) < 0) std::this_thread::sleep_for(1ms);
    });
    EXPECT_TRUE(comes_true([&] { return consoles_->figures().bytes > 300'000; }));
    const auto before = consoles_->figures().bytes;
    std::this_thread::sleep_for(500ms);
    EXPECT_LT(consoles_->figures().bytes - before, 1'000'000);
    say(other.guest, "hello\n");
    EXPECT_TRUE(comes_true([&] { return consoles_->logs().read(8, 0).value_or("") == "hello\n"; }));
    over = true;
    guest.join();
}

TEST_F(ConsolesTest, WhatIsRemovedIsGone) {
    Tty tty;
    consoles_->begin(7, "alice-1");
    open(7, tty);
    Person alice;
    sit(7, alice);
    consoles_->remove(7);
    EXPECT_EQ(hear(alice.mine), "");
    EXPECT_FALSE(consoles_->is_open(7));
    EXPECT_FALSE(fs::exists(folder_ / "7"));
    EXPECT_EQ(closed_, 0);
}

TEST_F(ConsolesTest, AFullDiskHoldsNobody) {
    Tty tty;
    open(7, tty);
    fs::create_directories(folder_);
    fs::remove_all(folder_);
    { std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(folder_.c_str(), "w"), std::fclose); }  // no folder
    Person alice;
    sit(7, alice);
    say(tty.guest, "lost\n");
    EXPECT_EQ(hear(alice.mine, "\n"), "lost\n");
    EXPECT_TRUE(comes_true([&] { return consoles_->figures().errors > 0; }));
    consoles_->begin(8, "alice-2");
}

TEST_F(ConsolesTest, OneThatIsOpenStays) {
    Tty tty, other;
    open(7, tty);
    Person alice;
    sit(7, alice);
    open(7, other);
    say(tty.guest, "mine\n");
    EXPECT_EQ(hear(alice.mine, "\n"), "mine\n");
}

}  // namespace
}  // namespace drover
