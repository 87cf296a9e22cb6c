#include "hypervisor/names_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/error.hpp"

namespace drover {
namespace {

namespace fs = std::filesystem;
using Hosts = std::vector<HostName>;

class NamesFolderTest : public testing::Test {
  protected:
    NamesFolderTest()
        : path(fs::temp_directory_path() / ("names." + std::to_string(getpid()))),
          folder(path, path.string() + ".dhcp") {
        folder.make();
    }
    ~NamesFolderTest() override {
        fs::remove_all(path);
        fs::remove_all(path.string() + ".dhcp");
    }

    [[nodiscard]] std::string text(const std::string& file) const {
        std::ostringstream text;
        text << std::ifstream(path / file).rdbuf();
        return text.str();
    }
    void write(const std::string& file, const std::string& text) const { std::ofstream(path / file) << text; }

    fs::path path;
    NamesFolder folder;
    Address first = parse_address("10.1.0.2"), second = parse_address("10.1.0.3");
};

TEST_F(NamesFolderTest, ANameIsAFileThatAllMayRead) {
    const auto before = ::umask(0077);
    folder.make();
    folder.put({first, "alice-1"});
    ::umask(before);
    EXPECT_EQ(text("10.1.0.2"), "10.1.0.2 alice-1\n");
    struct stat file {};
    ASSERT_EQ(::stat((path / "10.1.0.2").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0644U);
    ASSERT_EQ(::stat(path.c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0755U);
    EXPECT_FALSE(fs::exists(path.string() + ".new"));
}

TEST_F(NamesFolderTest, ANameMovesAndNeverTakesAwayWhatAnotherHasSince) {
    folder.put({first, "alice-1"});
    folder.put({second, "alice-1"});
    EXPECT_EQ(folder.read(), (Hosts{{second, "alice-1"}}));
    folder.drop(second);
    folder.put({second, "bob-1"});
    folder.put({first, "alice-1"});
    EXPECT_EQ(folder.read(), (Hosts{{first, "alice-1"}, {second, "bob-1"}}));
    folder.put({second, "carl-1"});
    folder.put({first, "bob-1"});
    EXPECT_EQ(folder.read(), (Hosts{{first, "bob-1"}, {second, "carl-1"}}));
}

TEST_F(NamesFolderTest, WhatOthersRemovedIsNotTakenFromWhoHasTheAddressSince) {
    folder.put({first, "alice-1"});
    fs::remove(path / "10.1.0.2");
    folder.put({first, "bob-1"});
    folder.put({second, "alice-1"});
    EXPECT_EQ(folder.read(), (Hosts{{first, "bob-1"}, {second, "alice-1"}}));
}

TEST_F(NamesFolderTest, ASecondAddressHasTheNameToo) {
    const HostName host{first, "alice-1", parse_address6("fd12::2")};
    folder.put(host);
    EXPECT_EQ(text("10.1.0.2"), "10.1.0.2 alice-1\nfd12::2 alice-1\n");
    EXPECT_EQ(folder.read(), Hosts{host});
    write("10.1.0.2", "10.1.0.2 alice-1\nfd12::2 bob-1\n");
    EXPECT_EQ(folder.read(), (Hosts{{first, ""}}));
    folder.put({first, "alice-1"});
    EXPECT_EQ(folder.read(), (Hosts{{first, "alice-1"}}));
}

TEST_F(NamesFolderTest, WhoMayAskByDhcpHasAReservation) {
    const HostName host{first, "alice-1", std::nullopt, "52:54:00:00:00:2a"};
    folder.put(host);
    const auto file = path.string() + ".dhcp/10.1.0.2";
    std::string line;
    std::getline(std::ifstream(file), line);
    EXPECT_EQ(line, "52:54:00:00:00:2a,10.1.0.2,alice-1,infinite");
    EXPECT_EQ(folder.read(), Hosts{host});
    folder.put({first, "alice-1"});
    EXPECT_FALSE(fs::exists(file));
    folder.put(host);
    folder.drop(first);
    EXPECT_FALSE(fs::exists(file));
}

TEST_F(NamesFolderTest, AReservationOfNobodyIsTold) {
    folder.put({first, "alice-1"});
    std::ofstream(path.string() + ".dhcp/10.1.0.3") << "52:54:00:00:00:2a,10.1.0.3,ghost-1,infinite\n";
    EXPECT_EQ(folder.read(), (Hosts{{first, "alice-1"}, {second, ""}}));
    folder.drop(second);
    EXPECT_EQ(folder.read(), (Hosts{{first, "alice-1"}}));
}

TEST_F(NamesFolderTest, AnotherOneFindsWhatWasThere) {
    folder.put({first, "alice-1"});
    NamesFolder later(path, path.string() + ".dhcp");
    later.put({second, "alice-1"});
    EXPECT_EQ(later.read(), (Hosts{{second, "alice-1"}}));
}

TEST_F(NamesFolderTest, WhatDoesNotSayItsNameIsToldWithoutOne) {
    write("10.1.0.2", "");
    write("10.1.0.3", "10.1.0.3 a\n10.1.0.3 b\n");
    write("10.1.0.4", "10.1.0.5 a\n");
    write("readme", "10.1.0.9 a\n");
    write("010.1.0.9", "10.1.0.9 a\n");
    EXPECT_EQ(folder.read(), (Hosts{{first, ""}, {second, ""}, {parse_address("10.1.0.4"), ""}}));
    folder.drop(first);
    EXPECT_FALSE(fs::exists(path / "10.1.0.2"));
}

TEST_F(NamesFolderTest, OnlyNamesOfHostsAreWritten) {
    for (const auto* name : {"", "a b", "a\n10.1.0.9 b", "a#", "../a"})
        EXPECT_THROW(folder.put({first, name}), Error) << name;
    EXPECT_TRUE(fs::is_empty(path));
}

TEST_F(NamesFolderTest, IsRemovedWithAllThatIsInIt) {
    folder.put({first, "alice-1"});
    write("readme", "x");
    for (int i = 0; i < 2; ++i) folder.remove();
    EXPECT_FALSE(fs::exists(path));
    EXPECT_TRUE(folder.read().empty());
    EXPECT_THROW(folder.put({first, "alice-1"}), Error);
}

}  // namespace
}  // namespace drover
