#include <atomic>
#include <thread>

#include "fixture.hpp"

/// While the herd works, what is half-done is no finding.
namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

const Row alice{.id = 1, .name = "alice-1"};

class Calm : public FsckTest {
  protected:
    void write_row() { execute("UPDATE guests SET rev = rev + 1 WHERE id = 1;\n"); }
};

TEST_F(Calm, AGuestIsMadeWhileItLooks) {
    EXPECT_THAT(kinds_while({[&] { add_guest(alice); }}), IsEmpty());
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Calm, AGuestIsRetiredWhileItLooks) {
    add_guest(alice);
    EXPECT_THAT(kinds_while({[&] { retire(alice); }}), IsEmpty());
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Calm, WhatIsPutRightBetweenTheLooksIsNoFinding) {
    add_guest(alice);
    remove_domain(1);
    EXPECT_THAT(kinds_while({[] {}, [&] { make_domain(alice); }}), IsEmpty());
    remove_overlay(1);
    EXPECT_THAT(kinds_while({[] {}, [&] { make_overlay(1, 1); }}), IsEmpty());
    add_dns("10.77.0.50", "ghost-1");
    EXPECT_THAT(kinds_while({[] {}, [&] { write_network({}); }}), IsEmpty());
}

TEST_F(Calm, ARowThatIsWrittenMeanwhileIsAStepInProgress) {
    add_guest(alice);
    remove_domain(1);
    EXPECT_THAT(kinds_while({[&] { write_row(); }}), IsEmpty()) << "written during the first look";
    EXPECT_THAT(kinds_while({[] {}, [&] { write_row(); }}), IsEmpty()) << "written during the second look";
    EXPECT_THAT(kinds_while({[] {}, [] {}}), UnorderedElementsAre("missing-domain drover-1 alice-1"));
}

TEST_F(Calm, ADomainThatEndsBetweenListAndDescriptionIsLeftOut) {
    add_guest(alice);
    write_domain({.name = "web", .registry = ""});
    // Listed, and gone when it is asked about: the list is asked for once more.
    write_text(hypervisor("ghosts"), foreign_uuid + "\n");
    EXPECT_THAT(kinds_while({[] {}, [&] { fs::remove(hypervisor("ghosts")); }}), IsEmpty());
}

TEST_F(Calm, NothingIsFoundInABusyHerd) {
    for (GuestId id = 1; id <= 10; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    std::atomic<bool> done = false;
    std::thread herd([&] {
        pthread_setname_np(pthread_self(), "busy-herd");
        for (GuestId id = 11; !done; ++id) {
            const Row row{.id = id, .name = "alice-" + std::to_string(id)};
            Row reserved = row;
            reserved.phase = "reserved";
            insert(reserved);
            make_overlay(id, 1);
            make_domain(row);
            execute("UPDATE guests SET phase = 'stopped', have_overlay = 1, rev = rev + 1 WHERE id = " +
                    std::to_string(id) + ";\n");
            name_guest(row);
            execute("UPDATE guests SET phase = 'ready', rev = rev + 1 WHERE id = " + std::to_string(id) + ";\n");
            retire({.id = id - 10, .name = "alice-" + std::to_string(id - 10)});
        }
    });
    for (int i = 0; i < 20; ++i) EXPECT_THAT(kinds(), IsEmpty());
    done = true;
    herd.join();
    EXPECT_THAT(kinds(), IsEmpty());
}

}  // namespace
}  // namespace drover::test
