#include "storage/roots.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <latch>
#include <set>
#include <thread>

#include "model/unique_fd.hpp"
#include "roots_fixture.hpp"

namespace drover {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

TEST_F(RootsTest, BuildsAVersion) {
    const auto version = build();
    EXPECT_EQ(version.image, "small");
    EXPECT_THAT(version.digest, testing::MatchesRegex("sha256:[0-9a-f]+"));
    EXPECT_EQ(version.digest.size(), 71U);
    EXPECT_EQ(version.parameters, "quiet");
    EXPECT_EQ(version.profile, "basic");
    EXPECT_EQ(version.fork_point, "early");
    EXPECT_EQ(read(version.kernel), "kernel\n");
    EXPECT_EQ(read(version.initrd), "initrd\n");
    EXPECT_EQ(version.bytes, 14 + static_cast<long long>(fs::file_size(version.root)));
    EXPECT_EQ(roots.version("small", version.digest), version);
    EXPECT_THAT(roots.versions(), ElementsAre(version));
    EXPECT_EQ(roots.verify("small", version.digest), std::nullopt);
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), IsEmpty());
}

TEST_F(RootsTest, QemusUserCanReadItAndNobodyCanWriteIt) {
    const auto version = build();
    for (const auto& file : {version.root, version.kernel, version.initrd}) EXPECT_EQ(mode_of(file), 0444U) << file;
    EXPECT_EQ(mode_of(paths.state), 0711U);
    auto folder = fs::path(version.root).parent_path();
    for (; folder != paths.state; folder = folder.parent_path()) EXPECT_EQ(mode_of(folder), 0755U) << folder;
}

TEST_F(RootsTest, KnowsItsRecipes) {
    fs::create_directories(fs::path(paths.images) / "no-recipe");
    EXPECT_THAT(roots.recipes(), ElementsAre("small"));
    EXPECT_THAT(error_of([&] { roots.build("other", nullptr); }),
                StartsWith("not-found: no recipe for an image 'other'"));
    EXPECT_THAT(error_of([&] { roots.build("../small", nullptr); }), StartsWith("usage: "));
}

TEST_F(RootsTest, PrefersTheAdministratorsOwnRecipes) {
    const auto shipped = build();
    recipe_in(paths.own_images, good_assemble, "fork_point: ready\n");
    EXPECT_THAT(roots.recipes(), ElementsAre("small"));
    const auto own = build();
    EXPECT_NE(own.digest, shipped.digest);
    EXPECT_EQ(own.fork_point, "ready");
    fs::remove_all(paths.own_images);
    EXPECT_THAT(roots.recipes(), ElementsAre("small"));
    EXPECT_EQ(build().digest, shipped.digest);
}

TEST_F(RootsTest, TellsARecipeWhereTheFunctionsAreThatCameWithDrover) {
    std::vector<std::string> lines;
    recipe_with("echo \"functions: $DROVER_IMAGES\" >&2");
    roots.build("small", [&](const std::string& line) { lines.push_back(line); });
    EXPECT_THAT(lines, testing::Contains("functions: " + paths.images));
}

TEST_F(RootsTest, RemovesAVersionAndNoOther) {
    const auto first = build();
    recipe_with("echo x > tree/etc/x");
    const auto second = build();
    roots.remove("small", first.digest);
    roots.remove("small", first.digest);
    EXPECT_THAT(roots.versions(), ElementsAre(second));
    EXPECT_THAT(error_of([&] { static_cast<void>(roots.version("small", first.digest)); }), StartsWith("not-found: "));
    EXPECT_FALSE(fs::exists(roots.root_of("small", first.digest)));
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), IsEmpty());
    EXPECT_THAT(error_of([&] { roots.remove("small", "../.."); }), StartsWith("usage: "));
    recipe(good_assemble);
    EXPECT_EQ(build(), first) << "built again, it is there again";
}

TEST_F(RootsTest, RemovesWhatARemovalThatWasCutShortLeft) {
    const auto version = build();
    const auto aside = fs::path(paths.state) / "tmp" / ("removed-small-" + version.digest.substr(7));
    write(aside / "root.squashfs", "what is left of an earlier one");
    roots.remove("small", version.digest);
    EXPECT_THAT(roots.versions(), IsEmpty());
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), IsEmpty());
}

TEST_F(RootsTest, EqualBuildsAreOneVersion) {
    const auto first = build();
    struct stat before {};
    ::stat(first.root.c_str(), &before);
    EXPECT_EQ(build(), first);
    struct stat after {};
    ::stat(first.root.c_str(), &after);
    EXPECT_EQ(before.st_ino, after.st_ino);  // a guest may be running from it
    EXPECT_THAT(roots.versions(), SizeIs(1));
}

TEST_F(RootsTest, WhateverAGuestDependsOnMakesAnotherVersion) {
    std::set<std::string> digests{build().digest};
    recipe(good_assemble, "fork_point: ready\n");
    digests.insert(build().digest);
    recipe_with("echo x > tree/etc/x");
    digests.insert(build().digest);
    write(paths.guest_end, "another guest's end");
    digests.insert(build().digest);
    EXPECT_EQ(digests.size(), 4U);
    EXPECT_THAT(roots.versions(), SizeIs(4));
}

TEST_F(RootsTest, TellsWhatTheRecipeSays) {
    recipe_with("echo packing now >&2");
    std::vector<std::string> lines;
    roots.build("small", [&](const std::string& line) { lines.push_back(line); });
    EXPECT_THAT(lines, testing::Contains("packing now"));
}

TEST_F(RootsTest, AFailingRecipeHasTheLastWordAndLeavesNothing) {
    recipe_with("echo no space for the kernel >&2; exit 9");
    EXPECT_THAT(error_of([&] { build(); }), testing::AllOf(StartsWith("failed: build small: "), HasSubstr("status 9"),
                                                           HasSubstr("no space for the kernel")));
    expect_nothing_visible();
}

TEST_F(RootsTest, TheBudgetEndsARecipe) {
    recipe_with("sleep 1000");
    EXPECT_THAT(error_of([&] { roots.build("small", nullptr, 1s); }), HasSubstr("did not end within"));
    expect_nothing_visible();
}

TEST_F(RootsTest, RefusesWhatMustBeEachGuestsOwn) {
    for (const std::string path :
         {"etc/ssh/ssh_host_ed25519_key", "etc/ssh/ssh_host_rsa_key.pub", "etc/dropbear/dropbear_ed25519_host_key",
          "etc/machine-id", "var/lib/dbus/machine-id", "root/.ssh/authorized_keys", "root/.ssh/id_ed25519",
          "etc/ssl/private/snakeoil.key", "etc/resolv.conf", "home/alice/.ssh/authorized_keys"}) {
        recipe_with("mkdir -p \"$(dirname 'tree/" + path + "')\"; echo secret > 'tree/" + path + "'");
        EXPECT_THAT(
            error_of([&] { build(); }),
            testing::AllOf(StartsWith("refused: build small: the root holds /" + path + ","), HasSubstr("assemble")));
    }
    expect_nothing_visible();
}

TEST_F(RootsTest, RefusesAResultThatIsNotWhole) {
    recipe_with("rmdir tree/.oldroot");
    EXPECT_THAT(error_of([&] { build(); }), HasSubstr("no folder /.oldroot"));
    recipe(good_assemble + "rm \"$out/vmlinuz\"\n");
    EXPECT_THAT(error_of([&] { build(); }), HasSubstr("made no vmlinuz"));
    recipe(good_assemble + ": > \"$out/initrd\"\n");
    EXPECT_THAT(error_of([&] { build(); }), HasSubstr("made no initrd"));
    recipe(good_assemble + "ln -sf /etc/passwd \"$out/vmlinuz\"\n");
    EXPECT_THAT(error_of([&] { build(); }), HasSubstr("made no vmlinuz"));
    recipe(good_assemble + "echo text > \"$out/root.squashfs\"\n");
    EXPECT_THAT(error_of([&] { build(); }), HasSubstr("no squashfs"));
    expect_nothing_visible();
}

TEST_F(RootsTest, AKilledBuildLeavesNothingVisibleAndIsSweptAway) {
    const auto fifo = temp.path() / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    // The recipe says that it is in the middle, and stays there until the test lets go of the other end.
    recipe(good_assemble + "echo half > '" + fifo.string() + "'\nread line < '" + fifo.string() + "'\n");
    const pid_t builder = ::fork();
    if (builder == 0) {
        Roots(paths).build("small", nullptr);
        ::_exit(0);
    }
    EXPECT_EQ(read(fifo), "half\n");
    ::kill(builder, SIGKILL);
    ::waitpid(builder, nullptr, 0);
    write(fifo, "go\n");

    EXPECT_THAT(roots.versions(), IsEmpty());
    EXPECT_THAT(names_in(fs::path(paths.state) / "tmp"), SizeIs(1));
    roots.sweep();
    expect_nothing_visible();
    recipe(good_assemble);
    EXPECT_NO_THROW(build());
}

TEST_F(RootsTest, ADamagedVersionIsRefusedAndDoesNotHideTheOthers) {
    const auto damaged = build();
    recipe_with("echo x > tree/etc/x");
    const auto good = build();
    fs::remove(damaged.initrd);
    EXPECT_THAT(
        error_of([&] { static_cast<void>(roots.version("small", damaged.digest)); }),
        testing::AllOf(StartsWith("refused: "), HasSubstr(damaged.initrd), HasSubstr("drover image build small")));
    EXPECT_THAT(roots.versions(), ElementsAre(good));
}

TEST_F(RootsTest, WhatIsNotThereIsNotFound) {
    EXPECT_THAT(error_of([&] { static_cast<void>(roots.version("small", "sha256:" + std::string(64, 'a'))); }),
                StartsWith("not-found: no version sha256:aaaa"));
    for (const std::string& digest : {std::string(), std::string("sha256:"), std::string("sha256:../.."),
                                      std::string(64, 'a'), "sha256:" + std::string(64, 'A')})
        EXPECT_THAT(error_of([&] { static_cast<void>(roots.version("small", digest)); }), StartsWith("usage: "))
            << digest;
}

TEST_F(RootsTest, BuildsAtOnceAreOne) {
    const auto fifo = temp.path() / "fifo";
    const auto count = temp.path() / "count";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    recipe_with("echo built >> '" + count.string() + "'; echo begun >&2; read line < '" + fifo.string() + "'");
    std::latch begun(1);
    std::latch joined(3);
    std::vector<Version> versions(4);
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
        versions[0] = roots.build("small", [&](const std::string& line) {
            if (line == "begun") begun.count_down();
        });
    });
    begun.wait();
    for (std::size_t i = 1; i < versions.size(); ++i)
        threads.emplace_back(
            [&, i] { versions[i] = roots.build("small", [&](const std::string&) { joined.count_down(); }); });
    joined.wait();
    write(fifo, "go\n");
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(read(count), "built\n");
    for (const auto& version : versions) EXPECT_EQ(version, versions[0]);
    EXPECT_THAT(roots.versions(), SizeIs(1));
}

TEST_F(RootsTest, AfterAFailureTheNextBuildTriesAnew) {
    recipe_with("exit 1");
    EXPECT_THROW(build(), Error);
    recipe(good_assemble);
    EXPECT_NO_THROW(build());
}

TEST_F(RootsTest, WaitsForAnotherProcess) {
    const auto image = fs::path(paths.state) / "roots/small";
    fs::create_directories(image);
    UniqueFd lock(::open((image / ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_EQ(::flock(lock.get(), LOCK_EX), 0);
    bool waited = false;
    roots.build("small", [&](const std::string& line) {
        if (line != "another process builds this image: waiting for it") return;
        EXPECT_THAT(roots.versions(), IsEmpty());
        waited = true;
        lock = UniqueFd();
    });
    EXPECT_TRUE(waited);
    EXPECT_THAT(roots.versions(), SizeIs(1));
}

}  // namespace
}  // namespace drover
