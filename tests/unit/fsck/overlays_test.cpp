#include <sys/stat.h>

#include <map>

#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Overlays = FsckTest;

TEST_F(Overlays, OfNoLivingGuestAreMovedAsideWithAllThatIsInThem) {
    add_guest({.id = 1, .name = "alice-1"});
    insert({.id = 2, .name = "alice-2"});
    retire({.id = 2, .name = "alice-2"});
    make_overlay(2, 3);
    make_overlay(77, 1);
    make_overlay(78, 1);
    write_text(state("overlays/notes.txt"), "mine");
    write_text(state("overlays/01"), "no id is written so");
    fs::create_directory(state("overlays/lost+found"));  // of a disk mounted there: nobody's business
    const auto expected =
        UnorderedElementsAre("orphan-overlay " + state("overlays/2"), "orphan-overlay " + state("overlays/77"),
                             "orphan-overlay " + state("overlays/78"), "orphan-overlay " + state("overlays/notes.txt"),
                             "orphan-overlay " + state("overlays/01"));
    EXPECT_THAT(kinds(), expected);
    EXPECT_THAT(kinds(), expected) << "a look changed something";

    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings, Each(Field(&Finding::repair, HasSubstr("moved to " + state("lost/")))));
    EXPECT_THAT(lost(), UnorderedElementsAre("2", "77", "78", "notes.txt", "01"));
    for (const auto& finding : findings) {
        const auto moved = finding.repair.substr(std::string("moved to ").size());
        if (finding.object == state("overlays/2")) {
            EXPECT_THAT(read_text(moved + "/3.qcow2"), HasSubstr("data of 2"));
        }
        if (finding.object == state("overlays/notes.txt")) {
            EXPECT_EQ(read_text(moved), "mine");
        }
    }
    EXPECT_THAT(kinds(), IsEmpty());
    EXPECT_TRUE(fs::exists(state("overlays/1/1.qcow2")));
}

TEST_F(Overlays, OfTheSameNameAreLostBesideEachOther) {
    for (int i = 0; i < 3; ++i) {
        make_overlay(77, 1);
        EXPECT_EQ(look(true).size(), 1);
    }
    EXPECT_EQ(lost().size(), 3);
}

TEST_F(Overlays, ThatAForeignDomainUsesStayWhereTheyAre) {
    make_overlay(77, 1);
    write_domain({.name = "rescue", .registry = "", .disk = state("overlays/77/1.qcow2")});
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), UnorderedElementsAre("orphan-overlay " + state("overlays/77")));
    EXPECT_THAT(findings.at(0).detail, HasSubstr("rescue"));
    EXPECT_EQ(findings.at(0).repair, "");
    EXPECT_TRUE(fs::exists(state("overlays/77/1.qcow2")));
}

TEST_F(Overlays, GoWithTheDomainThatIsAnOrphanToo) {
    make_overlay(77, 1);
    write_domain({.id = 77, .guest = "bob-1"});
    EXPECT_EQ(look(true).size(), 2);
    EXPECT_THAT(lost(), UnorderedElementsAre("77"));
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Overlays, WithStrangeNamesAreTellable) {
    const std::string longest(255, 'x');
    write_text(state("overlays/\xff\n"), "");
    fs::create_directory(state("overlays/" + longest));
    EXPECT_THAT(kinds(true), UnorderedElementsAre("orphan-overlay " + state("overlays/\\xff\\x0a"),
                                                  "orphan-overlay " + state("overlays/" + longest)));
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Overlays, ThatBuiltGuestsLackAreMissing) {
    for (GuestId id = 1; id <= 4; ++id)
        add_guest({.id = id, .name = "alice-" + std::to_string(id), .phase = id == 2 ? "stopped" : "ready"});
    remove_overlay(1);
    fs::remove(state("overlays/2/1.qcow2"));
    fs::rename(state("overlays/3/1.qcow2"), state("overlays/3/7.qcow2"));
    add_guest({.id = 5, .name = "alice-5", .desired = "gone"});
    remove_overlay(5);
    const auto expected = UnorderedElementsAre("missing-overlay " + state("overlays/1/1.qcow2") + " alice-1",
                                               "missing-overlay " + state("overlays/2/1.qcow2") + " alice-2",
                                               "missing-overlay " + state("overlays/3/1.qcow2") + " alice-3");
    EXPECT_THAT(kinds(), expected);
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings,
                Each(AllOf(Field(&Finding::repair, ""), Field(&Finding::detail, HasSubstr("drover rebuild alice-")))));
    EXPECT_TRUE(fs::exists(state("overlays/3/7.qcow2")));
}

TEST_F(Overlays, ThatHoldNoDiskAreAsGoodAsMissing) {
    for (GuestId id = 1; id <= 8; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    const auto file = [&](GuestId id) { return state("overlays/" + std::to_string(id) + "/1.qcow2"); };
    fs::resize_file(file(1), 0);
    fs::resize_file(file(2), 600);
    write_text(file(3), "rubbish of some length");
    fs::remove(file(4));
    fs::create_directory(file(4));
    fs::remove(file(5));
    fs::create_symlink(file(6), file(5));
    fs::remove(file(7));
    ASSERT_EQ(::mkfifo(file(7).c_str(), 0600), 0);
    const std::map<std::string, std::string> flaws{{file(1), "is empty"},    {file(2), "is cut short"},
                                                   {file(3), "is no qcow2"}, {file(4), "is no file"},
                                                   {file(5), "is no file"},  {file(7), "is no file"}};
    const auto findings = look(true);
    EXPECT_EQ(findings.size(), flaws.size());
    for (const auto& finding : findings) {
        ASSERT_TRUE(flaws.contains(finding.object)) << finding.object;
        EXPECT_EQ(finding.kind, "missing-overlay");
        EXPECT_THAT(finding.detail, HasSubstr("its overlay " + flaws.at(finding.object)));
    }
    fs::remove(state("base.raw"));
    EXPECT_THAT(look(), testing::SizeIs(8)) << "nothing backs them";
}

TEST_F(Overlays, InEitherPlaceDoWhileARebuildIsOwed) {
    add_guest({.id = 1, .name = "alice-1", .phase = "stopped", .want_overlay = 2});
    EXPECT_THAT(kinds(), IsEmpty());
    make_overlay(1, 2);
    EXPECT_THAT(kinds(), IsEmpty());
    fs::remove(state("overlays/1/1.qcow2"));
    EXPECT_THAT(kinds(), IsEmpty());
    fs::remove(state("overlays/1/2.qcow2"));
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-overlay " + state("overlays/1/1.qcow2") + " alice-1"));
}

TEST_F(Overlays, NeedTheirRoots) {
    for (GuestId id = 1; id <= 4; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    add_guest({.id = 5, .name = "alice-5", .phase = "reserved"});
    const std::string b(64, 'b'), c(64, 'c'), d(64, 'd');
    make_root(d);
    fs::remove(state("roots/tiny/" + d + "/vmlinuz"));
    const std::string e(64, 'e');
    make_root(e);
    fs::resize_file(state("roots/tiny/" + e + "/root.squashfs"), 12);
    execute("UPDATE guests SET want_version = 'sha256:" + e + "', have_version = 'sha256:" + e + "' WHERE id = 4;\n");
    const std::string f(64, 'f');
    make_root(f);
    fs::remove(state("roots/tiny/" + f + "/manifest.json"));
    fs::create_directory(state("roots/tiny/" + f + "/manifest.json"));
    add_guest({.id = 6, .name = "alice-6"});
    execute("UPDATE guests SET want_version = 'sha256:" + f + "', have_version = 'sha256:" + f + "' WHERE id = 6;\n");
    execute("UPDATE guests SET have_version = 'sha256:" + b + "' WHERE id = 1;\n");
    execute("UPDATE guests SET want_version = 'sha256:" + c + "' WHERE id IN (2, 5);\n");
    execute("UPDATE guests SET want_version = 'sha256:" + d + "', have_version = 'sha256:" + d + "' WHERE id = 3;\n");
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-root " + state("roots/tiny/" + b) + " alice-1",
                                              "missing-root " + state("roots/tiny/" + c) + " alice-2",
                                              "missing-root " + state("roots/tiny/" + d) + " alice-3",
                                              "missing-root " + state("roots/tiny/" + e) + " alice-4",
                                              "missing-root " + state("roots/tiny/" + f) + " alice-6"));
}

TEST_F(Overlays, AreNotWhatGuestsCouldGoBackToAlone) {
    const std::string b(64, 'b'), c(64, 'c'), d(64, 'd');
    for (const auto& hex : {b, c, d}) make_root(hex);
    EXPECT_THAT(kinds(), IsEmpty());
    fs::remove_all(state("roots/tiny/" + b));
    fs::remove(state("roots/tiny/" + c + "/vmlinuz"));
    fs::remove_all(state("roots/tiny/" + d));
    execute("UPDATE versions SET removing = 1 WHERE digest = 'sha256:" + d + "';\n");
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-root " + state("roots/tiny/" + b),
                                              "missing-root " + state("roots/tiny/" + c)));
    EXPECT_THAT(look().front().detail, HasSubstr("drover image remove tiny " + b));
}

TEST_F(Overlays, AreNoUseOnRootsOfAnotherContent) {
    const std::string b(64, 'b'), c(64, 'c');
    for (const auto& hex : {b, c}) make_root(hex);
    write_text(state("roots/tiny/" + b + "/vmlinuz"), "Vmlinuz");
    write_text(state("roots/tiny/" + c + "/initrd"), "initre");
    EXPECT_THAT(kinds(), UnorderedElementsAre("damaged-root " + state("roots/tiny/" + b + "/vmlinuz"),
                                              "damaged-root " + state("roots/tiny/" + c + "/initrd")));
    EXPECT_THAT(look().front().detail, HasSubstr("drover image build tiny"));
    EXPECT_EQ(look(true).front().repair, "");
    EXPECT_TRUE(fs::exists(state("roots/tiny/" + b))) << "guests run from it";
}

TEST_F(Overlays, OfVersionsThatNobodyKnowsAreTakenInOrMovedAside) {
    const std::string b(64, 'b'), c(64, 'c'), d(64, 'd');
    for (const auto& hex : {b, c, d}) make_root(hex);
    execute("DELETE FROM versions WHERE digest <> 'sha256:" + std::string(64, 'a') + "';\n");
    fs::remove(state("roots/tiny/" + c + "/vmlinuz"));
    fs::remove(state("roots/tiny/" + d + "/vmlinuz"));
    add_guest({.id = 1, .name = "alice-1"});
    write_domain({.id = 9,
                  .guest = "theirs",
                  .name = "theirs",
                  .registry = "",
                  .disk = state("roots/tiny/" + d + "/root.squashfs")});
    std::map<std::string, std::string> repairs;
    for (const auto& finding : look(true)) repairs[finding.kind + " " + finding.object] = finding.repair;
    ASSERT_THAT(repairs, testing::SizeIs(3));
    EXPECT_EQ(repairs["orphan-root " + state("roots/tiny/" + b)], "");
    EXPECT_THAT(repairs["orphan-root " + state("roots/tiny/" + c)], HasSubstr("moved to " + state("lost/tiny-" + c)));
    EXPECT_EQ(repairs["orphan-root " + state("roots/tiny/" + d)], "");
    EXPECT_TRUE(fs::exists(state("roots/tiny/" + b)));
    EXPECT_FALSE(fs::exists(state("roots/tiny/" + c)));
    EXPECT_TRUE(fs::exists(state("roots/tiny/" + d)));
}

}  // namespace
}  // namespace drover::test
