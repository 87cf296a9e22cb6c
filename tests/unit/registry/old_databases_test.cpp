#include <gmock/gmock.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <fstream>
#include <map>
#include <sstream>

#include "fixture.hpp"
#include "registry/migrations.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string old_folder = DROVER_SOURCE "/tests/unit/registry/old";

/// NNNN of each filled database that is kept: as the schema was after migration NNNN.
Names kept() {
    Names numbers;
    for (const auto& entry : fs::directory_iterator(old_folder)) numbers.push_back(entry.path().stem());
    std::sort(numbers.begin(), numbers.end());
    return numbers;
}

soci::session open_file(const std::string& file) { return {soci::sqlite3, "dbname=\"" + file + "\""}; }

/// How many rows each table has.
std::map<std::string, long long> sizes_of(const std::string& file) {
    auto sql = open_file(file);
    std::map<std::string, long long> sizes;
    soci::rowset<std::string> tables = sql.prepare << "SELECT name FROM sqlite_master WHERE type = 'table'";
    for (const auto& table : Names(tables.begin(), tables.end()))
        sql << "SELECT count(*) FROM " + table, soci::into(sizes[table]);
    return sizes;
}

/// A herd that was written down when the schema was younger: owners with guests in several phases, one of them gone
/// and one at fault, an operation half done. Every file of the folder holds the same one, so that one test reads all.
class OldDatabase : public RegistryTest, public ::testing::WithParamInterface<std::string> {
  protected:
    OldDatabase() {
        fs::create_directory(migrations_);
        for (const auto& entry : fs::directory_iterator(schema_folder))
            fs::copy(entry.path(), migrations_ / entry.path().filename());
        load(old_folder + "/" + GetParam() + ".sql");
        time_ = Time{std::chrono::milliseconds{1795252876120}} + std::chrono::minutes{1};  // of its last event
    }

    void load(const std::string& dump) {
        std::ostringstream text;
        text << std::ifstream(dump).rdbuf();
        auto sql = open_file(file_);
        for (const auto& statement : statements_of(text.str())) sql << statement;
    }
    void add_migration(const std::string& name, const std::string& text) {
        std::ofstream(migrations_ / (name + ".sql")) << text;
    }
    void open_old() {
        auto options = this->options("old.db");
        options.migrations = migrations_;
        registry_.reset();
        registry_ = std::make_unique<Registry>(options);
    }
    /// The migrations that the database lacks, in order.
    [[nodiscard]] Names lacking() const {
        Names names;
        for (const auto& entry : fs::directory_iterator(migrations_)) {
            const auto name = entry.path().stem().string();
            if (std::isdigit(name.front()) != 0 && name.substr(0, 4) > GetParam()) names.push_back(name);
        }
        std::sort(names.begin(), names.end());
        return names;
    }
    void expect_nothing_lost(const std::map<std::string, long long>& before, std::size_t migrations);
    void expect_the_herd();
    void expect_it_goes_on();

    fs::path migrations_ = folder_ / "migrations";
    std::string file_ = folder_ / "old.db";
};

void OldDatabase::expect_nothing_lost(const std::map<std::string, long long>& before, std::size_t migrations) {
    const auto after = sizes_of(file_);
    for (const auto& [table, size] : before) {
        ASSERT_TRUE(after.contains(table)) << table;
        if (table == "notes") continue;  // how much time has passed is noted anew at each start
        EXPECT_EQ(after.at(table), size + (table == "migrations" ? static_cast<long long>(migrations) : 0)) << table;
    }
}

void OldDatabase::expect_the_herd() {
    EXPECT_EQ(registry_->uuid(), "1b86a8bf-084e-47b9-82f5-4cfd13fb4858");
    EXPECT_EQ(registry_->note("subnet"), "10.60.16.0/20");
    EXPECT_EQ(registry_->owners.get("alice").keys.size(), 2U);
    EXPECT_EQ(registry_->owners.get("alice").quota, 10);
    EXPECT_EQ(registry_->owners.of_login("nobody"), "bob");
    EXPECT_THAT(names({}), ElementsAre("alice-1", "alice-2", "alice-3", "alice-5", "carol-1", "carol-2"));
    EXPECT_EQ(guest("alice-1").phase, Phase::ready);
    EXPECT_EQ(to_text(guest("alice-1").address), "10.60.16.2");
    EXPECT_EQ(guest("alice-2").desired, Desired::stopped);
    ASSERT_TRUE(guest("alice-3").fault);
    EXPECT_EQ(guest("alice-3").fault->message, "no memory");
    EXPECT_EQ(guest("alice-4").phase, Phase::gone);
    EXPECT_EQ(guest("alice-5").have.overlay, 2);
    EXPECT_EQ(operation(2).outcome, "done");
    EXPECT_EQ(operation(8).outcome, "running");
    EXPECT_EQ(registry_->events.since(58, 10, std::nullopt).back().message, "no memory");
    EXPECT_EQ(registry_->images.list().size(), 1U);
}

/// Numbers, names, addresses and idempotency keys that were used stay used; what was half done gets done.
void OldDatabase::expect_it_goes_on() {
    subnet_ = parse_subnet("10.60.16.0/20");
    version_ = registry_->images.current("tiny");
    auto again = asking("alice", 5);
    again.idempotency_key = "five";
    EXPECT_EQ(request(again).operation, 2);
    EXPECT_EQ(request(more("alice", 1)).created, Names{"alice-6"});
    EXPECT_EQ(guest("alice-6").id, 8);
    EXPECT_NE(guest("alice-6").address, guest("alice-4").address) << "it rests in quarantine";
    bring_home("carol-2");
    EXPECT_EQ(operation(8).outcome, "partial");
}

TEST_P(OldDatabase, OpensWithAllThatIsInIt) {
    const auto before = sizes_of(file_);
    open_old();
    expect_nothing_lost(before, lacking().size());
    expect_the_herd();
    expect_it_goes_on();
}

/// None of them may be removed while a guest runs it, is to run it, or could go back to it.
TEST_P(OldDatabase, KnowsTheVersionsThatItsGuestsNeed) {
    open_file(file_) << "UPDATE guests SET want_version = 'sha256:w', have_version = 'sha256:h', good = 'sha256:g' "
                        "WHERE name = 'alice-1'";
    open_file(file_) << "UPDATE guests SET want_version = 'sha256:gone' WHERE name = 'alice-4'";
    open_old();
    for (const auto* digest : {"sha256:w", "sha256:h", "sha256:g"})
        EXPECT_EQ(error_of([&] { registry_->images.begin_removal(root, "tiny", digest); }).kind(), ErrorKind::refused);
    EXPECT_EQ(registry_->images.list().size(), 4U) << "these and what new guests get";
}

TEST_P(OldDatabase, IsCopiedBeforeEachMigrationThatItNeeds) {
    add_migration("9998-colour",
                  "ALTER TABLE guests ADD COLUMN colour TEXT NOT NULL DEFAULT 'red';\n"
                  "UPDATE guests SET colour = 'blue' WHERE phase = 'gone';\n");
    add_migration("9999-forget", "DELETE FROM notes WHERE key = 'accelerator';\n");
    const auto before = sizes_of(file_);
    open_old();
    for (const auto& migration : lacking()) {
        ASSERT_TRUE(fs::exists(file_ + ".before-" + migration)) << migration;
    }
    EXPECT_EQ(sizes_of(file_ + ".before-" + lacking().front()), before);
    EXPECT_EQ(sizes_of(file_ + ".before-9999-forget").at("notes"), before.at("notes"));
    EXPECT_LE(sizes_of(file_).at("notes"), before.at("notes")) << "one is forgotten, one may be new";
    expect_the_herd();
    expect_it_goes_on();
}

TEST_P(OldDatabase, IsNotCopiedWhenItNeedsNone) {
    open_old();
    const auto lacked = lacking().size();
    open_old();
    const auto is_copy = [](const auto& entry) { return entry.path().string().find(".before-") != std::string::npos; };
    EXPECT_EQ(std::count_if(fs::directory_iterator(fs::path(file_).parent_path()), {}, is_copy), lacked);
}

TEST_P(OldDatabase, IsRefusedAndLeftAloneByAnOlderProgram) {
    add_migration("9999-more", "CREATE TABLE colours (name TEXT);\n");
    open_old();
    const auto before = sizes_of(file_);
    fs::remove(migrations_ / "9999-more.sql");
    const auto error = error_of([&] { open_old(); });
    EXPECT_EQ(error.kind(), ErrorKind::refused);
    EXPECT_THAT(error.hint(), HasSubstr("old.db.before-9999-more"));
    EXPECT_EQ(sizes_of(file_), before);
    fs::rename(file_ + ".before-9999-more", file_);  // as the error says
    open_old();
    expect_the_herd();
}

INSTANTIATE_TEST_SUITE_P(TRUST_20_kept, OldDatabase, ::testing::ValuesIn(kept()),
                         [](const auto& kept_one) { return "of_" + kept_one.param; });

}  // namespace
}  // namespace drover::test
