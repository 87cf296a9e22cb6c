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
            EXPECT_EQ(read_text(moved + "/3.qcow2"), "data of 2");
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
    write_text(state("overlays/\xff\n"), "");
    EXPECT_THAT(kinds(true), UnorderedElementsAre("orphan-overlay " + state("overlays/\\xff\\x0a")));
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
    execute("UPDATE guests SET have_version = 'sha256:" + b + "' WHERE id = 1;\n");
    execute("UPDATE guests SET want_version = 'sha256:" + c + "' WHERE id IN (2, 5);\n");
    execute("UPDATE guests SET want_version = 'sha256:" + d + "', have_version = 'sha256:" + d + "' WHERE id = 3;\n");
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-root " + state("roots/tiny/" + b) + " alice-1",
                                              "missing-root " + state("roots/tiny/" + c) + " alice-2",
                                              "missing-root " + state("roots/tiny/" + d) + " alice-3"));
}

}  // namespace
}  // namespace drover::test
