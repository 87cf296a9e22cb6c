#include <gmock/gmock.h>

#include "fixture.hpp"
#include "registry/session.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;
using testing::HasSubstr;

constexpr auto decade = std::chrono::hours(10 * 365 * 24);
constexpr auto moment = std::chrono::milliseconds(1);

/// Five addresses in use but one that rests, and a request that was answered under a key.
class Clocks : public RegistryTest {
  protected:
    Clocks() {
        subnet_ = parse_subnet("10.77.0.0/29");
        add_owner("alice");
        first_ = request(keyed()).operation;
        change(Verb::retire, {"alice-2"});
        bring_home("alice-2");
    }
    static GuestRequest keyed() {
        auto request = asking("alice", 5);
        request.idempotency_key = "k1";
        return request;
    }
    void expect_still_kept() {
        EXPECT_EQ(error_of([&] { request(more("alice", 1)); }).kind(), ErrorKind::refused);
        EXPECT_EQ(request(keyed()).operation, first_);
    }

    OperationId first_ = 0;
};

TEST_F(Clocks, set_while_the_daemon_runs_free_and_forget_nothing) {
    for (const auto jump : {decade, -2 * decade, decade}) {
        time_ += jump;
        expect_still_kept();
    }
    pass(quarantine - moment);
    expect_still_kept();
    pass(moment);
    EXPECT_EQ(request(more("alice", 1)).created.size(), 1);
}

TEST_F(Clocks, set_while_the_daemon_is_away_free_and_forget_nothing) {
    for (const auto jump : {decade, -2 * decade, decade}) {
        registry_.reset();
        time_ += jump;
        open();
        expect_still_kept();
    }
}

TEST_F(Clocks, count_the_time_that_the_daemon_was_away_within_a_boot) {
    registry_.reset();
    time_ -= decade;
    uptime_.since_boot += quarantine;
    open();
    EXPECT_EQ(request(more("alice", 1)).created.size(), 1);
}

TEST_F(Clocks, count_nothing_that_only_the_wall_clock_tells) {
    registry_.reset();
    time_ += decade;  // off for years, or a battery that is empty
    uptime_ = {"second boot", std::chrono::seconds(20)};
    open();
    expect_still_kept();
    pass(quarantine);
    EXPECT_EQ(request(more("alice", 1)).created.size(), 1);
    EXPECT_EQ(request(keyed()).operation, first_);
    pass(hours(24));
    EXPECT_EQ(error_of([&] { request(more("alice", 9)); }).kind(), ErrorKind::refused) << "no longer about keys";
    EXPECT_NE(request(keyed()).operation, first_);
}

/// SQLite calls it full when a file may not grow.
void fill(Transaction& transaction) {
    transaction.sql << "PRAGMA max_page_count = 1";
    transaction.sql << "CREATE TABLE much (v TEXT)";
}

TEST(Reserves, are_given_up_once_when_the_disk_is_full) {
    const TemporaryFolder folder;
    Session session(folder / "registry.db", {.reserve = 1 << 20});
    ASSERT_EQ(fs::file_size(folder / "reserve"), 1U << 20U);
    int runs = 0;
    const auto error = error_of([&] {
        session.transact("commit.test", [&](Transaction& transaction) {
            ++runs;
            fill(transaction);
        });
    });
    EXPECT_EQ(runs, 2) << "again with the space of the reserve";
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("disk full"));
    EXPECT_THAT(error.hint(), HasSubstr("make room"));
    EXPECT_FALSE(fs::exists(folder / "reserve"));
}

TEST(Reserves, are_made_when_there_is_space_again) {
    const TemporaryFolder folder;
    Reserve reserve(folder / "reserve", 1 << 20);
    EXPECT_TRUE(reserve.give_up());
    EXPECT_FALSE(reserve.give_up()) << "there is none left";
    EXPECT_FALSE(fs::exists(folder / "reserve"));
    Reserve next(folder / "reserve", 1 << 20);  // of the next daemon
    EXPECT_TRUE(fs::exists(folder / "reserve"));
    Reserve too_large(folder / "other", 1LL << 60);
    EXPECT_FALSE(too_large.give_up());
    EXPECT_FALSE(fs::exists(folder / "other"));
}

}  // namespace
}  // namespace drover::test
