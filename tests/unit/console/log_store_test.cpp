#include "console/log_store.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "model/error.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class LogStoreTest : public testing::Test {
  protected:
    LogStoreTest() : folder_(fs::path(testing::TempDir()) / fmt::format("logs-{}", ::getpid())) {
        fs::remove_all(folder_);
    }
    ~LogStoreTest() override { fs::remove_all(folder_); }

    [[nodiscard]] LogStore make() const { return LogStore(folder_, {.bytes = 1000, .boots = 3}); }
    [[nodiscard]] long long bytes_of(GuestId id) const {
        long long all = 0;
        for (const auto& file : fs::directory_iterator(folder_ / std::to_string(id))) all += fs::file_size(file);
        return all;
    }

    fs::path folder_;
};

TEST_F(LogStoreTest, WhatIsPrintedIsReadBack) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    EXPECT_EQ(logs.read(7, 0), std::nullopt);
    logs.begin(7, "begin\n");
    logs.append(7, "one\n");
    logs.append(7, "two\n");
    EXPECT_EQ(logs.read(7, 0), "begin\none\ntwo\n");
    EXPECT_EQ(logs.read(7, 1), std::nullopt);
    EXPECT_EQ(logs.read(8, 0), std::nullopt);
}

TEST_F(LogStoreTest, OnlyRootReadsIt) {
    LogStore logs(folder_, {});
    logs.begin(7, "begin\n");
    const auto mode = [](const fs::path& path) { return fs::status(path).permissions(); };
    EXPECT_EQ(mode(folder_), fs::perms::owner_all);
    EXPECT_EQ(mode(folder_ / "7"), fs::perms::owner_all);
    EXPECT_EQ(mode(folder_ / "7" / "1.log"), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(LogStoreTest, TheLastStartsAreKept) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    for (int start = 1; start <= 5; ++start) {
        logs.begin(7, "-\n");
        logs.append(7, std::to_string(start));
    }
    EXPECT_EQ(logs.read(7, 0), "-\n5");
    EXPECT_EQ(logs.read(7, 1), "-\n4");
    EXPECT_EQ(logs.read(7, 2), "-\n3");
    EXPECT_EQ(logs.read(7, 3), std::nullopt);
}

TEST_F(LogStoreTest, AStartThatFailsTakesNobodysPlace) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 2});
    logs.begin(7, "-\n");
    logs.append(7, "why it crashed");
    for (int start = 0; start < 5; ++start) logs.begin(7, "-\n");
    EXPECT_EQ(logs.read(7, 0), "-\n");
    EXPECT_EQ(logs.read(7, 1), "-\nwhy it crashed");
}

TEST_F(LogStoreTest, AFloodKeepsItsLastHalfAndNeverMore) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    logs.begin(7, "begin\n");
    std::string all = "begin\n";
    for (int line = 0; line < 1000; ++line) {
        const std::string text = "line " + std::to_string(line) + "\n";
        logs.append(7, text);
        all += text;
        ASSERT_LE(bytes_of(7), 1000);
    }
    const auto kept = logs.read(7, 0).value();
    EXPECT_GE(kept.size(), 480U);
    EXPECT_THAT(all, EndsWith(kept));
}

TEST_F(LogStoreTest, AnotherLifeGoesOnAndSaysSo) {
    {
        LogStore logs = LogStore(folder_, {.bytes = 1000, .boots = 3});
        logs.begin(7, "begin\n");
        logs.append(7, "before\n");
    }
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    logs.go_on(7, "away\n");
    EXPECT_EQ(logs.read(7, 0), "begin\nbefore\n");  // nothing is written while nothing is said
    logs.append(7, "after\n");
    logs.append(7, "more\n");
    EXPECT_EQ(logs.read(7, 0), "begin\nbefore\naway\nafter\nmore\n");
}

TEST_F(LogStoreTest, AGuestWithoutALogGetsOne) {
    LogStore logs(folder_, {});
    logs.go_on(7, "away\n");
    logs.append(7, "text\n");
    EXPECT_EQ(logs.read(7, 0), "text\n");
}

TEST_F(LogStoreTest, WhatIsRemovedDoesNotComeBack) {
    LogStore logs(folder_, {});
    logs.begin(7, "begin\n");
    logs.remove(7);
    logs.append(7, "its last words\n");
    EXPECT_FALSE(fs::exists(folder_ / "7"));
    logs.remove(7);
    EXPECT_EQ(logs.read(7, 0), std::nullopt);
}

TEST_F(LogStoreTest, WhoReadsOnMissesNothing) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    logs.begin(7, "begin\n");
    LogStore::Place place;
    std::string read = logs.more(7, place), all = "begin\n";
    for (int line = 0; line < 500; ++line) {
        const std::string text = "line " + std::to_string(line) + "\n";
        logs.append(7, text);
        all += text;
        if (line % 7 == 0) read += logs.more(7, place);
        if (line == 250) {
            logs.begin(7, "again\n");
            all += "again\n";
        }
    }
    read += logs.more(7, place);
    EXPECT_EQ(read, all);
    EXPECT_EQ(logs.more(7, place), "");
}

TEST_F(LogStoreTest, WhoReadsSeldomGetsTheLatest) {
    LogStore logs(folder_, {.bytes = 1000, .boots = 3});
    logs.begin(7, "begin\n");
    LogStore::Place place = logs.end(7);
    EXPECT_EQ(logs.more(7, place), "");
    std::string all;
    for (int line = 0; line < 500; ++line) {
        const std::string text = "line " + std::to_string(line) + "\n";
        logs.append(7, text);
        all += text;
    }
    const auto text = logs.more(7, place);
    EXPECT_LE(text.size(), 1000U);
    EXPECT_THAT(all, EndsWith(text));
    EXPECT_GE(text.size(), 480U);
}

TEST_F(LogStoreTest, NoLinkIsFollowed) {
    LogStore logs(folder_, {});
    logs.begin(7, "begin\n");
    const auto victim = folder_ / "victim";
    std::ofstream(victim) << "precious";
    fs::remove(folder_ / "7" / "1.log");
    fs::create_symlink(victim, folder_ / "7" / "1.log");
    EXPECT_THROW(logs.append(7, "text"), Error);
    std::ifstream file(victim);
    std::string text;
    std::getline(file, text);
    EXPECT_EQ(text, "precious");
}

TEST_F(LogStoreTest, WhatCannotBeWrittenIsAnErrorNamingTheFile) {
    LogStore logs(folder_, {});
    logs.begin(7, "begin\n");
    fs::remove_all(folder_ / "7");
    std::ofstream(folder_ / "7") << "no folder";
    try {
        logs.append(7, "text");
        FAIL();
    } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::failed);
        EXPECT_THAT(error.what(), HasSubstr("7/1.log"));
    }
}

}  // namespace
}  // namespace drover
