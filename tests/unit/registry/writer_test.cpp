#include "registry/writer.hpp"

#include <gmock/gmock.h>

#include <set>
#include <thread>
#include <vector>

#include "fixture.hpp"
#include "registry/sql.hpp"

namespace drover::test {
namespace {

using ::testing::ElementsAreArray;

/// Many threads that write at the same time, so that most of their commits are shared.
class WriterTest : public ::testing::Test {
  protected:
    static constexpr long long threads = 16, each = 40;

    WriterTest() {
        writer_.run("commit.test", [](soci::session& sql) { sql << "CREATE TABLE t (v BIGINT NOT NULL UNIQUE)"; });
    }
    void insert(long long value) {
        writer_.run("commit.test", [&](soci::session& sql) { write(sql, "INSERT INTO t (v) VALUES (:v)", value); });
    }
    /// Inserts `value` and then fails at it.
    void insert_and_throw(long long value) {
        writer_.run("commit.test", [&](soci::session& sql) {
            write(sql, "INSERT INTO t (v) VALUES (:v)", value);
            throw std::runtime_error("no");
        });
    }
    static void insert_many(soci::session& sql, long long count) {
        for (long long value = 0; value < count; ++value)
            write(sql, "INSERT INTO t (v) VALUES (:v)", 1'000'000 + value);
    }
    std::vector<long long> values() {
        std::vector<long long> values;
        writer_.run("commit.test", [&](soci::session& sql) {
            const soci::rowset<long long> rows = (sql.prepare << "SELECT v FROM t ORDER BY v");
            values.assign(rows.begin(), rows.end());
        });
        return values;
    }
    template <typename Work> static void together(Work&& work) {
        std::vector<std::jthread> running;
        for (long long thread = 0; thread < threads; ++thread)
            running.emplace_back([&work, thread] {
                for (long long turn = 0; turn < each; ++turn) work(thread, turn);
            });
    }
    void limit_pages(const std::string& pages) {
        writer_.run("commit.test",
                    [&](soci::session& sql) { first<long long>(sql, "PRAGMA max_page_count = " + pages); });
    }

    TemporaryFolder folder_;
    std::atomic<int> room_ = 0;  ///< so often room can be made
    Writer writer_{folder_ / "registry.db", [this] {
                       if (room_ == 0) return false;
                       --room_;
                       return true;
                   }};
};

TEST_F(WriterTest, undoes_what_threw_and_nothing_of_its_neighbours) {
    std::set<long long> wanted;
    for (long long value = 0; value < threads * each; ++value)
        if (value % 3 != 0) wanted.insert(value);
    together([&](long long thread, long long turn) {
        const auto value = thread * each + turn;
        if (value % 3 != 0) {
            insert(value);
        } else {
            EXPECT_THROW(insert_and_throw(value), std::runtime_error);
        }
    });
    EXPECT_THAT(values(), ElementsAreArray(wanted));
}

TEST_F(WriterTest, refuses_all_but_one_of_those_that_conflict) {
    std::atomic<int> refused = 0;
    together([&](long long, long long turn) {
        try {
            insert(turn);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::refused);
            ++refused;
        }
    });
    EXPECT_EQ(values().size(), each);
    EXPECT_EQ(refused, (threads - 1) * each);
}

TEST_F(WriterTest, lets_only_those_fail_that_the_disk_has_no_room_for) {
    limit_pages("16");
    std::atomic<int> failed = 0;
    together([&](long long thread, long long turn) {
        if (thread != 0) return insert(thread * each + turn);
        try {
            writer_.run("commit.test", [&](soci::session& sql) { insert_many(sql, 20'000); });
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::unavailable);
            ++failed;
        }
    });
    EXPECT_EQ(failed, each);
    EXPECT_EQ(values().size(), (threads - 1) * each);
}

TEST_F(WriterTest, goes_on_when_room_was_made) {
    limit_pages("4");
    room_ = 1;
    int turns = 0;
    writer_.run("commit.test", [&](soci::session& sql) {
        if (++turns == 2) return insert_many(sql, 10);
        insert_many(sql, 100'000);
    });
    EXPECT_EQ(turns, 2);
    EXPECT_EQ(values().size(), 10U);
}

}  // namespace
}  // namespace drover::test
