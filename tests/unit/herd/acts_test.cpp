#include "herd/acts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace drover {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto patience = 60s;

/// The other end of a guest's channel, by hand.
class Line {
  public:
    explicit Line(UniqueFd end) : end_(std::move(end)) {}

    void say(const std::string& text) const { ::send(end_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
    /// The next order that comes; those of other kinds are passed over.
    control::ServiceOrder order() {
        while (true) {
            for (; next_ < messages_.size(); ++next_)
                if (const auto* found = std::get_if<control::ServiceOrder>(&messages_[next_])) return ++next_, *found;
            std::array<char, 4096> bytes{};
            const auto size = ::recv(end_.get(), bytes.data(), bytes.size(), 0);
            if (size <= 0) throw std::runtime_error("the channel is closed");
            for (const auto& line : reader_.feed({bytes.data(), static_cast<std::size_t>(size)}))
                if (auto message = control::decode_from_daemon(line)) messages_.push_back(std::move(*message));
        }
    }

  private:
    UniqueFd end_;
    control::LineReader reader_;
    std::vector<control::FromDaemon> messages_;
    std::size_t next_ = 0;
};

struct ActsTest : testing::Test {
    ~ActsTest() override { acts->close(); }

    Line attach(GuestId id) {
        std::array<int, 2> pair{-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
        sessions.attach(id, UniqueFd(pair[0]));
        return Line(UniqueFd(pair[1]));
    }
    void make(Duration limit = patience) {
        acts = std::make_unique<Acts>(
            sessions,
            [this](const std::vector<EndedAct>& ended) {
                const std::lock_guard lock(mutex);
                if (failures-- > 0) throw std::runtime_error("the disk is full");
                for (const auto& one : ended) handed.push_back(one);
                news.notify_all();
            },
            limit);
    }
    void begin(GuestId guest, const std::string& service) {
        const auto n = sessions.next_number();
        acts->begin({.guest = guest,
                     .operation = 7,
                     .service = service,
                     .lines = {control::ServiceOrder{n, service, ServiceAct::restart}},
                     .n = n});
    }
    /// What was handed over, once there are so many.
    std::vector<EndedAct> ended(std::size_t count) {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(news.wait_for(lock, patience, [&] { return handed.size() >= count; }));
        return handed;
    }

    std::mutex mutex;
    std::condition_variable news;
    std::vector<EndedAct> handed;
    int failures = 0;
    std::unique_ptr<Acts> acts;
    control::Sessions sessions{
        {.said = [this](GuestId id, const control::FromGuest& message) { acts->heard(id, message); },
         .closed = [this](GuestId id) { acts->lost(id, "it went away"); }}};
};

std::string ok(const control::ServiceOrder& order) { return "OK " + std::to_string(order.n) + "\n"; }

TEST_F(ActsTest, end_with_the_guests_answer_and_what_it_said_of_the_service) {
    make();
    auto line = attach(1);
    begin(1, "web");
    const auto order = line.order();
    EXPECT_EQ(order.name, "web");
    line.say("\nSERVICE ssh down\nOK 4000000000\nERR 4000000000 no\nSERVICE web up\n" + ok(order) + ok(order));
    const auto one = ended(1).front();
    EXPECT_EQ(one.trouble, "");
    EXPECT_EQ(one.status, ServiceStatus::up);
    EXPECT_EQ(one.act.operation, 7);
    EXPECT_EQ(one.act.service, "web");
}

TEST_F(ActsTest, are_done_one_after_another_by_a_guest_and_side_by_side_by_several) {
    make();
    auto one = attach(1), two = attach(2);
    begin(1, "a");
    begin(1, "b");
    begin(2, "c");
    const auto a = one.order();
    two.say("\n" + ok(two.order()));
    EXPECT_EQ(ended(1).front().act.service, "c") << "the first guest keeps nobody waiting";
    one.say("\nERR " + std::to_string(a.n) + " cannot\n");
    EXPECT_EQ(ended(2)[1].trouble, "cannot");
    EXPECT_EQ(one.order().name, "b");
}

TEST_F(ActsTest, wait_for_a_channel_until_the_guest_says_that_it_is_ready) {
    make();
    begin(1, "web");
    auto line = attach(1);
    line.say("\nREADY " + std::string(64, 'a') + "\n");
    line.say(ok(line.order()));
    EXPECT_EQ(ended(1).front().trouble, "");
}

TEST_F(ActsTest, of_a_guest_that_goes_away_starts_anew_or_is_lost_end) {
    make();
    {
        auto line = attach(1);
        begin(1, "a");
        line.order();
    }
    EXPECT_EQ(ended(1)[0].trouble, "it went away");
    auto line = attach(1);
    begin(1, "b");
    line.order();
    line.say("\nHELLO 1 " + std::string(32, 'b') + " -\n");
    EXPECT_THAT(ended(2)[1].trouble, HasSubstr("started anew"));
    begin(1, "c");
    begin(1, "d");
    acts->lost(1, "it is stopped");
    EXPECT_EQ(ended(4)[3].trouble, "it is stopped");
    acts->lost(1, "again");
    acts->lost(9, "nobody");
}

TEST_F(ActsTest, that_take_too_long_end_and_what_is_said_late_is_nothing) {
    make(50ms);
    auto line = attach(1);
    begin(1, "a");
    const auto late = line.order();
    EXPECT_THAT(ended(1)[0].trouble, HasSubstr("did not answer in time"));
    begin(2, "b");
    EXPECT_EQ(ended(2)[1].trouble, "it does not listen");
    line.say("\n" + ok(late));
    begin(1, "c");
    EXPECT_EQ(line.order().name, "c");
    EXPECT_EQ(ended(3)[2].act.service, "c");
}

TEST_F(ActsTest, are_handed_over_again_when_they_could_not_be_written) {
    failures = 1;
    make();
    auto line = attach(1);
    begin(1, "web");
    line.say("\n" + ok(line.order()));
    EXPECT_EQ(ended(1).size(), 1U);
}

TEST_F(ActsTest, that_need_not_be_told_are_handed_over_too) {
    make();
    acts->note({{.guest = 3, .operation = {}, .service = "web", .lines = {}}, "", ServiceStatus::up});
    EXPECT_EQ(ended(1).front().act.guest, 3);
}

}  // namespace
}  // namespace drover
