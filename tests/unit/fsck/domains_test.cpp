#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

using Domains = FsckTest;

TEST_F(Domains, NothingIsWrongInAHealthyHerd) {
    EXPECT_THAT(kinds(), IsEmpty());
    GuestId id = 0;
    for (const auto* phase : {"reserved", "stopped", "starting", "parked", "ready", "stopping"}) {
        ++id;
        add_guest({.id = id, .name = "alice-" + std::to_string(id), .phase = phase});
    }
    add_guest({.id = 7, .name = "alice-7", .phase = "stopped", .desired = "gone"});
    add_guest({.id = 8, .name = "alice-8"});
    retire({.id = 8, .name = "alice-8"});
    write_domain({.name = "web", .registry = ""});
    write_domain({.id = 1, .name = "lab-1", .registry = foreign_uuid});
    write_domain({.name = "drover-probe", .registry = ""});
    EXPECT_THAT(kinds(), IsEmpty());
    EXPECT_THAT(kinds(true), IsEmpty());
}

TEST_F(Domains, ManyAreAskedAboutInSeveralBatches) {
    for (GuestId id = 1; id <= 450; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    remove_domain(1);
    remove_domain(200);
    remove_domain(450);
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-domain drover-1 alice-1", "missing-domain drover-200 alice-200",
                                              "missing-domain drover-450 alice-450"));
}

TEST_F(Domains, OfNoLivingGuestAreOrphansAndGo) {
    add_guest({.id = 1, .name = "alice-1"});
    insert({.id = 2, .name = "alice-2"});
    retire({.id = 2, .name = "alice-2"});
    write_domain({.id = 2, .guest = "alice-2"});
    write_domain({.id = 77, .guest = "bob-1", .active = false});
    write_domain({.id = 78, .guest = "bob-2", .transient = true});
    const auto expected = UnorderedElementsAre("orphan-domain drover-2 alice-2", "orphan-domain drover-77 bob-1",
                                               "orphan-domain drover-78 bob-2");
    EXPECT_THAT(kinds(), expected);
    EXPECT_THAT(kinds(), expected) << "a look changed something";

    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    std::vector<std::string> repairs;
    for (const auto& finding : findings) repairs.push_back(finding.repair);
    EXPECT_THAT(repairs, UnorderedElementsAre("destroyed and undefined", "undefined", "destroyed"));
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Domains, UndefinedWhileTheyRunAreMissing) {
    add_guest({.id = 1, .name = "alice-1"});
    write_domain({.id = 1, .guest = "alice-1", .transient = true});
    const auto findings = look();
    EXPECT_THAT(kinds_of(findings), UnorderedElementsAre("missing-domain drover-1 alice-1"));
    EXPECT_THAT(findings, Each(Field(&Finding::detail, HasSubstr("drover restart alice-1"))));
}

TEST_F(Domains, ARenamedCopyOfAnOrphanIsReportedAndLeftAlone) {
    const auto file = write_domain({.id = 77, .guest = "bob-1", .name = "my-copy"});
    const auto before = read_text(file);
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), UnorderedElementsAre("orphan-domain my-copy bob-1"));
    EXPECT_EQ(findings.at(0).repair, "");
    EXPECT_EQ(read_text(file), before);
}

TEST_F(Domains, OfLivingGuestsThatWereRenamedOrCopiedAreReportedAndLeftAlone) {
    for (GuestId id = 1; id <= 4; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    const auto rename = [&](GuestId id, const std::string& name) {
        const auto file = write_domain({.id = id, .guest = "alice-" + std::to_string(id), .active = false});
        auto text = read_text(file);
        const auto old = "<name>drover-" + std::to_string(id);
        write_text(file, text.replace(text.find(old), old.size(), "<name>" + name));
    };
    rename(1, "mine");
    rename(2, "drover-99");
    write_domain({.id = 3, .guest = "alice-3", .name = "copy-3", .active = false});
    auto redefined = read_text(write_domain({.id = 4, .guest = "alice-4"}));
    remove_domain(4);
    redefined.replace(redefined.find("<uuid>") + 6, 36, foreign_uuid);
    write_text(hypervisor("domains/" + foreign_uuid + ".xml"), redefined);

    const auto expected = UnorderedElementsAre("orphan-domain mine alice-1", "orphan-domain drover-99 alice-2",
                                               "orphan-domain copy-3 alice-3", "orphan-domain drover-4 alice-4");
    EXPECT_THAT(kinds(true), expected);
    const auto findings = look();
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings, Each(Field(&Finding::repair, "")));
    EXPECT_THAT(findings, Contains(Field(&Finding::detail, HasSubstr("virsh domrename mine drover-1"))));
}

TEST_F(Domains, ThatRunWithoutADefinitionAreMissing) {
    add_guest({.id = 1, .name = "alice-1"});
    write_domain({.id = 1, .guest = "alice-1", .transient = true});
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), UnorderedElementsAre("missing-domain drover-1 alice-1"));
    EXPECT_THAT(findings, Each(Field(&Finding::detail, HasSubstr("drover restart alice-1"))));
}

TEST_F(Domains, WithNamesOfOursAndNoTagOfOursAreForeignAndNeverTouched) {
    add_guest({.id = 1, .name = "alice-1"});
    const std::vector<std::string> files{write_domain({.id = 1, .registry = ""}),
                                         write_domain({.id = 50, .registry = foreign_uuid}),
                                         write_domain({.id = 51, .registry = "", .active = false})};
    std::vector<std::string> before;
    for (const auto& file : files) before.push_back(read_text(file));
    const auto expected =
        UnorderedElementsAre("foreign-state drover-1 alice-1", "foreign-state drover-50", "foreign-state drover-51");
    EXPECT_THAT(kinds(), expected);
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings, Each(Field(&Finding::repair, "")));
    for (std::size_t i = 0; i < files.size(); ++i) EXPECT_EQ(read_text(files[i]), before[i]);
}

TEST_F(Domains, ThatBuiltGuestsLackAreMissing) {
    add_guest({.id = 1, .name = "alice-1", .phase = "stopped", .desired = "stopped"});
    add_guest({.id = 2, .name = "alice-2", .phase = "ready"});
    add_guest({.id = 3, .name = "alice-3", .phase = "parked", .desired = "parked"});
    add_guest({.id = 4, .name = "alice-4", .phase = "stopped", .desired = "gone"});
    add_guest({.id = 5, .name = "alice-5"});
    for (GuestId id = 1; id <= 4; ++id) remove_domain(id);
    const auto expected = UnorderedElementsAre("missing-domain drover-1 alice-1", "missing-domain drover-2 alice-2",
                                               "missing-domain drover-3 alice-3");
    EXPECT_THAT(kinds(), expected);
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings,
                Each(AllOf(Field(&Finding::repair, ""), Field(&Finding::detail, HasSubstr("drover rebuild alice-")))));
}

}  // namespace
}  // namespace drover::test
