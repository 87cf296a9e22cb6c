#include "registry/session.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "fixture.hpp"
#include "registry/sql.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class SessionTest : public ::testing::Test {
  protected:
    SessionTest() {
        session_.transact("commit.test", [](Transaction& t) { t.sql << "CREATE TABLE t (v BIGINT NOT NULL UNIQUE)"; });
    }
    void insert(long long value) {
        session_.transact("commit.test", [&](Transaction& t) { write(t.sql, "INSERT INTO t (v) VALUES (:v)", value); });
    }
    long long count() {
        return session_.transact("commit.test",
                                 [](Transaction& t) { return *first<long long>(t.sql, "SELECT count(*) FROM t"); });
    }

    TemporaryFolder folder_;
    std::string file_ = folder_ / "a folder's file.db";
    Session session_{file_};
};

TEST_F(SessionTest, is_as_durable_as_sqlite_can_be) {
    const auto pragma = [&](const std::string& name) {
        return session_.transact("commit.test",
                                 [&](Transaction& t) { return *first<std::string>(t.sql, "PRAGMA " + name); });
    };
    EXPECT_EQ(pragma("journal_mode"), "wal");
    EXPECT_EQ(pragma("synchronous"), "2");
    EXPECT_EQ(pragma("foreign_keys"), "1");
}

TEST_F(SessionTest, rolls_back_what_threw) {
    EXPECT_THROW(session_.transact("commit.test",
                                   [](Transaction& t) {
                                       t.sql << "INSERT INTO t (v) VALUES (1)";
                                       throw std::runtime_error("no");
                                   }),
                 std::runtime_error);
    EXPECT_EQ(count(), 0);
    insert(1);
    EXPECT_EQ(count(), 1);
}

TEST_F(SessionTest, refuses_what_a_constraint_forbids) {
    insert(1);
    const auto error = error_of([&] { insert(1); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("UNIQUE"));
}

TEST_F(SessionTest, on_a_full_disk_changes_nothing_and_goes_on_later) {
    const auto limit_pages = [&](const std::string& pages) {
        session_.transact("commit.test",
                          [&](Transaction& t) { first<long long>(t.sql, "PRAGMA max_page_count = " + pages); });
    };
    limit_pages("1");  // as many as there are
    const auto error = error_of([&] {
        session_.transact("commit.test", [](Transaction& t) {
            for (long long value = 0; value < 10000; ++value) write(t.sql, "INSERT INTO t (v) VALUES (:v)", value);
        });
    });
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), StartsWith("registry: disk full"));
    EXPECT_EQ(count(), 0);
    limit_pages("100000");
    insert(1);
    EXPECT_EQ(count(), 1);
}

TEST_F(SessionTest, that_cannot_open_its_file_says_which) {
    const auto error = error_of([&] { Session(folder_ / "missing/registry.db"); });
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("missing/registry.db"));
}

TEST_F(SessionTest, tells_a_file_that_is_no_database) {
    std::ofstream(folder_ / "text") << std::string(5000, 'x');
    EXPECT_EQ(error_of([&] { Session(folder_ / "text"); }).kind(), ErrorKind::failed);
}

TEST_F(SessionTest, copies_into_a_new_file_only) {
    insert(1);
    session_.copy_to(folder_ / "copy's.db");
    insert(2);
    Session copy(folder_ / "copy's.db");
    EXPECT_EQ(
        copy.transact("commit.test", [](Transaction& t) { return *first<long long>(t.sql, "SELECT count(*) FROM t"); }),
        1);
    EXPECT_EQ(error_of([&] { session_.copy_to(folder_ / "copy's.db"); }).kind(), ErrorKind::refused);
    EXPECT_EQ(error_of([&] { session_.copy_to(folder_ / "missing/copy.db"); }).kind(), ErrorKind::unavailable);
}

TEST_F(SessionTest, copies_over_what_a_cut_short_copy_left) {
    std::ofstream(folder_ / "copy.db.part") << "half";
    session_.copy_to(folder_ / "copy.db");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "copy.db.part"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "copy.db"));
}

}  // namespace
}  // namespace drover::test
