#include "storage/trust.hpp"

#include <sys/stat.h>

#include <latch>

#include "roots_fixture.hpp"
#include "storage/first_reading.hpp"

namespace drover {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

struct TrustTest : RootsTest {
    std::vector<std::string> told;
    Roots watched{paths, [this](const std::string& line) { told.push_back(line); }};

    std::string refusal(const Version& version) {
        return error_of([&] { static_cast<void>(watched.version("small", version.digest)); });
    }
    /// Changes a byte in place, again and again until the clock of files, which is slow, shows it.
    static void tamper(const std::string& file) {
        struct stat before {};
        struct stat after {};
        ::stat(file.c_str(), &before);
        ::chmod(file.c_str(), 0644);
        do {
            std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
            stream.seekp(before.st_size / 2);
            stream.put('\x01');
            stream.close();
            ::stat(file.c_str(), &after);
        } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    }
};

TEST_F(TrustTest, AChangedByteIsFoundByWhoeverNeedsTheVersionAndToldOnce) {
    const auto version = build();
    EXPECT_EQ(watched.version("small", version.digest), version);
    tamper(version.root);
    for (int i = 0; i < 2; ++i)
        EXPECT_THAT(refusal(version),
                    AllOf(StartsWith("refused: version " + version.digest + " of 'small' is damaged"),
                          HasSubstr(version.root + " is not what was built"), HasSubstr("drover image build small")));
    EXPECT_EQ(watched.verify("small", version.digest), version.root + " is not what was built");
    EXPECT_THAT(told, ElementsAre(HasSubstr(version.root + " is not what was built")));
}

TEST_F(TrustTest, WhatIsInAnyFileCounts) {
    const auto version = build();
    for (const auto& file : {version.kernel, version.initrd}) {
        tamper(file);
        EXPECT_THAT(refusal(version), HasSubstr(file + " is not what was built"));
        roots.build("small", nullptr);
    }
    const auto manifest = fs::path(version.root).parent_path() / "manifest.json";
    auto text = read(manifest);
    fs::remove(manifest);
    write(manifest, text.replace(text.find("quiet"), 5, "loud!"));
    EXPECT_THAT(refusal(version), HasSubstr("does not agree with its own digest"));
}

TEST_F(TrustTest, AnotherFileOfTheSameContentIsAsGood) {
    const auto version = build();
    const auto bytes = read(version.kernel);
    fs::remove(version.kernel);
    EXPECT_THAT(refusal(version), HasSubstr(version.kernel + " is missing or cut short"));
    write(version.kernel, bytes);
    EXPECT_EQ(watched.version("small", version.digest), version);
    EXPECT_EQ(watched.verify("small", version.digest), std::nullopt);
}

TEST_F(TrustTest, ABuildMendsADamagedVersionAndLeavesTheOldFileToThoseWhoHaveItOpen) {
    const auto version = build();
    std::ifstream running(version.root, std::ios::binary);
    tamper(version.root);
    const auto damaged = read(version.root);
    EXPECT_THAT(refusal(version), StartsWith("refused: "));
    EXPECT_EQ(build(), version);
    EXPECT_NE(read(version.root), damaged);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(running), {}), damaged) << "nothing was written into it";
    EXPECT_EQ(watched.version("small", version.digest), version);
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), IsEmpty());
}

TEST_F(TrustTest, TheFirstReadingFindsWhatNobodyNeededYet) {
    const auto version = build();
    tamper(version.initrd);
    std::latch found(1);
    std::string line;
    Roots fresh(paths, [&](const std::string& text) {
        line = text;
        found.count_down();
    });
    const FirstReading first_reading(fresh);
    found.wait();
    EXPECT_THAT(line, HasSubstr(version.initrd + " is not what was built"));
}

TEST_F(TrustTest, AReadingThatIsEndedLearnsNothing) {
    const auto version = build();
    Roots fresh(paths);
    struct Enough {};
    EXPECT_THROW(fresh.read_all([] { throw Enough{}; }), Enough);
    int pieces = 0;
    fresh.read_all([&] { ++pieces; });
    EXPECT_GT(pieces, 0);
    pieces = 0;
    fresh.read_all([&] { ++pieces; });
    EXPECT_EQ(pieces, 0) << "it is known";
    EXPECT_EQ(fresh.version("small", version.digest), version);
}

}  // namespace
}  // namespace drover
