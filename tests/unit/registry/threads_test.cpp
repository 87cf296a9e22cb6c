#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "fixture.hpp"

namespace drover::test {
namespace {

using ::testing::SizeIs;

class Threads : public RegistryTest {
  protected:
    static constexpr int threads = 8;
    /// Runs `work(number of the thread)` on all threads at once.
    template <typename Work> void together(Work&& work) {
        std::vector<std::jthread> running;
        for (int i = 0; i < threads; ++i) running.emplace_back([&work, i] { work(i); });
    }
};

TEST_F(Threads, never_get_the_same_name_or_address) {
    subnet_ = parse_subnet("10.77.0.0/16");
    add_owner("alice", 1000);
    add_owner("bob", 1000);
    together([&](int number) {
        for (int i = 0; i < 10; ++i) request(more(number % 2 == 0 ? "alice" : "bob", 5));
    });
    const auto guests = registry_->guests.list({}, std::nullopt);
    std::set<std::string> names, machine_ids;
    std::set<Address> addresses;
    for (const Guest& made : guests) {
        names.insert(made.name);
        addresses.insert(made.address);
        machine_ids.insert(made.machine_id);
    }
    EXPECT_THAT(guests, SizeIs(threads * 10 * 5));
    EXPECT_THAT(names, SizeIs(guests.size()));
    EXPECT_THAT(addresses, SizeIs(guests.size()));
    EXPECT_THAT(machine_ids, SizeIs(guests.size()));
}

TEST_F(Threads, never_exceed_a_quota) {
    add_owner("alice", 33);
    std::atomic<int> refused = 0;
    together([&](int) {
        for (int i = 0; i < 2; ++i) {
            try {
                request(more("alice", 5));
            } catch (const Error& error) {
                EXPECT_EQ(error.kind(), ErrorKind::refused);
                ++refused;
            }
        }
    });
    EXPECT_EQ(registry_->owners.get("alice").guests, 30);
    EXPECT_EQ(refused, threads * 2 - 6);
}

TEST_F(Threads, that_repeat_a_request_get_one_answer) {
    add_owner("alice");
    auto marked = more("alice", 3);
    marked.idempotency_key = "k1";
    together([&](int) { EXPECT_EQ(request(marked).created, (Names{"alice-1", "alice-2", "alice-3"})); });
    EXPECT_EQ(registry_->owners.get("alice").guests, 3);
}

TEST_F(Threads, that_save_the_same_guest_win_one_at_a_time) {
    add_owner("alice");
    request(asking("alice", 1));
    std::atomic<int> won = 0;
    together([&](int) {
        for (int i = 0; i < 20; ++i) {
            const auto before = guest("alice-1");
            auto after = before;
            ++after.attempts;
            if (registry_->guests.save(before, after)) ++won;
        }
    });
    EXPECT_EQ(guest("alice-1").attempts, won);
    EXPECT_EQ(guest("alice-1").rev, won);
}

TEST_F(Threads, take_a_backup_while_others_write) {
    subnet_ = parse_subnet("10.77.0.0/16");
    add_owner("alice", 1000);
    together([&](int number) {
        if (number == 0) {
            registry_->backup(folder_ / "backup.db");
        } else {
            for (int i = 0; i < 5; ++i) request(more("alice", 3));
        }
    });
    Registry backup(options("backup.db"));
    EXPECT_EQ(backup.guests.list({}, std::nullopt).size() % 3, 0U) << "whole transactions only";
}

}  // namespace
}  // namespace drover::test
