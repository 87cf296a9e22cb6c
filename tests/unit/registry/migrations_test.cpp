#include "registry/migrations.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "fixture.hpp"
#include "registry/sql.hpp"

namespace drover::test {
namespace {

using ::testing::HasSubstr;

/// What the database says about itself, without how it is laid out.
Names schema_of(Session& session) {
    return session.transact("commit.test", [](Transaction& t) {
        auto found = rows<std::string>(
            t.sql,
            "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY type, name");
        for (auto& text : found) {
            text = std::regex_replace(text, std::regex("--[^\n]*"), "");
            text = std::regex_replace(text, std::regex("\\s+"), " ");
            text = std::regex_replace(text, std::regex(" ?([(),]) ?"), "$1");
        }
        return found;
    });
}

std::string text_of(const std::string& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class Migrations : public ::testing::Test {
  protected:
    Migrations() {
        std::filesystem::create_directory(migrations_);
        add("0001-first", "CREATE TABLE a (v BIGINT NOT NULL);\nINSERT INTO a (v) VALUES (1);\n");
    }
    void add(const std::string& name, const std::string& sql) {
        std::ofstream(migrations_ + "/" + name + ".sql") << sql;
    }
    void run() {
        Session session(file_);
        migrate(session, migrations_);
    }
    static long long count(const std::string& file, const std::string& table) {
        Session session(file);
        return session.transact(
            "commit.test", [&](Transaction& t) { return *first<long long>(t.sql, "SELECT count(*) FROM " + table); });
    }

    TemporaryFolder folder_;
    std::string file_ = folder_ / "registry.db";
    std::string migrations_ = folder_ / "schema";
};

TEST_F(Migrations, run_once_each) {
    run();
    run();
    EXPECT_EQ(count(file_, "a"), 1);
    EXPECT_FALSE(std::filesystem::exists(file_ + ".before-0001-first")) << "there was nothing to keep";
}

TEST_F(Migrations, keep_a_copy_of_an_older_database) {
    run();
    add("0002-more", "-- More.\nINSERT INTO a (v)\nVALUES (2);\n");
    add("0003-most", "INSERT INTO a (v) VALUES (3);\nINSERT INTO a (v) VALUES (4);\n");
    run();
    EXPECT_EQ(count(file_, "a"), 4);
    EXPECT_EQ(count(file_ + ".before-0002-more", "a"), 1);
    EXPECT_EQ(count(file_ + ".before-0003-most", "a"), 2);
}

TEST_F(Migrations, that_fail_change_nothing_and_can_be_run_again) {
    run();
    add("0002-more", "INSERT INTO a (v) VALUES (2);\nINSERT INTO nowhere (v) VALUES (2);\n");
    const auto error = error_of([&] { run(); });
    EXPECT_THAT(error.what(), HasSubstr("0002-more"));
    EXPECT_EQ(count(file_, "a"), 1);
    add("0002-more", "INSERT INTO a (v) VALUES (2);\n");
    run();
    EXPECT_EQ(count(file_, "a"), 2);
    EXPECT_EQ(count(file_ + ".before-0002-more", "a"), 1);
}

TEST_F(Migrations, refuse_a_database_that_is_newer) {
    add("0002-more", "INSERT INTO a (v) VALUES (2);\n");
    run();
    std::filesystem::remove(migrations_ + "/0002-more.sql");
    const auto error = error_of([&] { run(); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.what(), HasSubstr("'0002-more'"));
}

TEST_F(Migrations, ignore_files_that_are_none) {
    add("current", "CREATE TABLE b (v BIGINT);\n");
    run();
    EXPECT_THROW(count(file_, "b"), Error);
}

TEST_F(Migrations, without_their_folder_say_so) {
    migrations_ = folder_ / "missing";
    const auto error = error_of([&] { run(); });
    EXPECT_EQ(error.kind(), ErrorKind::unavailable);
    EXPECT_THAT(error.what(), HasSubstr("missing"));
}

TEST_F(Migrations, end_each_statement_with_a_line) {
    EXPECT_EQ(statements_of("-- a;\n\nA 'x;y'\n  -- b\nB;\nC;"), (Names{"A 'x;y'\n  -- b\nB;", "C;"}));
    EXPECT_EQ(error_of([] { statements_of("A; B\n"); }).kind(), ErrorKind::failed);
}

TEST_F(Migrations, lead_to_the_current_schema) {
    Session migrated(folder_ / "migrated.db"), current(folder_ / "current.db");
    migrate(migrated, schema_folder);
    current.transact("commit.test", [](Transaction& t) {
        for (const auto& statement : statements_of(text_of(schema_folder + "/current.sql"))) write(t.sql, statement);
    });
    EXPECT_EQ(schema_of(migrated), schema_of(current));
}

class RegistryFile : public RegistryTest {};

TEST_F(RegistryFile, keeps_its_uuid_and_notes) {
    const auto uuid = registry_->uuid();
    EXPECT_THAT(uuid, ::testing::MatchesRegex("[0-9a-f-]{36}"));
    EXPECT_EQ(registry_->note("subnet"), std::nullopt);
    registry_->set_note("subnet", "10.77.0.0/24");
    registry_->set_note("subnet", "10.78.0.0/24");
    open();
    EXPECT_EQ(registry_->uuid(), uuid);
    EXPECT_EQ(registry_->note("subnet"), "10.78.0.0/24");
    EXPECT_NE(Registry(options("other.db")).uuid(), uuid);
}

TEST_F(RegistryFile, restored_from_a_backup_is_the_same) {
    add_owner("alice");
    request(asking("alice", 5));
    change(Verb::retire, {"alice-2"});
    bring_home("alice-2");
    break_guest("alice-3", "no memory");
    registry_->backup(folder_ / "backup.db");
    EXPECT_EQ(error_of([&] { registry_->backup(folder_ / "backup.db"); }).kind(), ErrorKind::refused);

    const auto everything = [](const std::string& file) {
        Session session(file);
        return session.transact("commit.test", [](Transaction& t) {
            Names dump;
            for (const std::string table : {"notes", "counters", "owners", "operations", "guests", "addresses", "items",
                                            "events", "migrations"}) {
                soci::rowset<soci::row> found = t.sql.prepare << "SELECT * FROM " + table;
                for (const soci::row& row : found) {
                    std::string line = table;
                    for (std::size_t i = 0; i < row.size(); ++i) {
                        const bool text = row.get_properties(i).get_data_type() == soci::dt_string;
                        line += "|";
                        if (row.get_indicator(i) == soci::i_null) continue;
                        line += text ? row.get<std::string>(i) : std::to_string(row.get<long long>(i));
                    }
                    dump.push_back(line);
                }
            }
            return dump;
        });
    };
    const auto original = everything(folder_ / "registry.db");
    EXPECT_GT(original.size(), 20U);
    EXPECT_EQ(everything(folder_ / "backup.db"), original);

    Registry restored(options("backup.db"));
    EXPECT_EQ(restored.uuid(), registry_->uuid());
    EXPECT_EQ(restored.guests.request(root, more("alice", 1), defaults()).created, Names{"alice-6"});
}

}  // namespace
}  // namespace drover::test
