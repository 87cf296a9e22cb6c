#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Networks : public FsckTest {
  protected:
    Networks() {
        for (GuestId id = 1; id <= 3; ++id) add_guest({.id = id, .name = "alice-" + std::to_string(id)});
    }
    [[nodiscard]] std::string dns() const { return read_text(hypervisor("networks/" + network_uuid + ".xml")); }
};

TEST_F(Networks, ForgetNamesOfNoLivingGuest) {
    const auto healthy = dns();
    add_dns("10.77.0.50", "ghost-1");
    add_dns("10.77.0.51", "alice-1");
    add_dns("10.77.0.52", "ghost-2", false);
    const auto expected = UnorderedElementsAre("stale-dns 10.77.0.50 ghost-1 ghost-1.drover.internal",
                                               "stale-dns 10.77.0.51 alice-1 alice-1.drover.internal",
                                               "stale-dns 10.77.0.52 ghost-2 ghost-2.drover.internal");
    EXPECT_THAT(kinds(), expected);
    EXPECT_THAT(kinds(), expected) << "a look changed something";
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings, Each(Field(&Finding::repair, "removed from the network's DNS")));
    EXPECT_EQ(dns(), healthy);
    EXPECT_EQ(read_text(hypervisor("networks/" + network_uuid + ".config")), "10.77.0.1\n");
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Networks, FilesOfNamesForgetThoseOfNoLivingGuest) {
    write_names("10.77.0.50", "10.77.0.50 ghost-1\n");
    write_names("10.77.0.51", "10.77.0.51 alice-1\n");
    write_names("10.77.0.3", "10.77.0.3 alice-2 alice-2.drover.internal\n10.77.0.3 www.example.org");
    write_names("by-hand", "# a remark\n\ngarbage\n");
    for (const auto* ignored : {".10.77.0.52", "10.77.0.52~", "#10.77.0.52#"})
        write_names(ignored, "10.77.0.52 ghost-2\n");
    const auto expected = UnorderedElementsAre("stale-dns 10.77.0.50 ghost-1", "stale-dns 10.77.0.51 alice-1",
                                               "stale-dns 10.77.0.3 www.example.org", "stale-dns garbage");
    EXPECT_THAT(kinds(), expected);
    EXPECT_EQ(read_text(state("names/10.77.0.50")), "10.77.0.50 ghost-1\n") << "a look changed something";
    const auto findings = look(true);
    EXPECT_THAT(kinds_of(findings), expected);
    EXPECT_THAT(findings, Each(Field(&Finding::repair, "removed from the network's DNS")));
    EXPECT_FALSE(fs::exists(state("names/10.77.0.50")) || fs::exists(state("names/10.77.0.51")));
    EXPECT_EQ(read_text(state("names/10.77.0.3")), "10.77.0.3 alice-2 alice-2.drover.internal\n");
    EXPECT_EQ(read_text(state("names/by-hand")), "# a remark\n\n");
    EXPECT_EQ(read_text(state("names/10.77.0.2")), "10.77.0.2 alice-1\n");
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Networks, AreMissingWhenTheyAreNotActiveOrNotThere) {
    write_text(hypervisor("networks/" + network_uuid + ".inactive"), "");
    EXPECT_THAT(kinds(true), UnorderedElementsAre("missing-network drover"));
    fs::remove(hypervisor("networks/" + network_uuid + ".xml"));
    fs::remove(folder_ / "net/drover-br");
    EXPECT_THAT(kinds(true), UnorderedElementsAre("missing-network drover"));
}

TEST_F(Networks, ForgetANameThatALivingGuestsAddressHadBefore) {
    write_network({});
    add_dns("10.77.0.2", "ghost-1");
    EXPECT_THAT(kinds(true), UnorderedElementsAre("stale-dns 10.77.0.2 ghost-1 ghost-1.drover.internal"));
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Networks, OurBlockOfTheHostsFileForgetsNamesOfNoLivingGuest) {
    const auto healthy = read_text(tools_.hosts_file);
    add_hosts_line("10.77.0.50 ghost-1 ghost-1.drover.internal");
    add_hosts_line("10.77.0.3 alice-1 alice-1.drover.internal");
    add_hosts_line("10.77.0.2 alice-1 www.example.org");
    add_hosts_line("garbage");
    const auto expected = UnorderedElementsAre("stale-dns 10.77.0.50 ghost-1 ghost-1.drover.internal",
                                               "stale-dns 10.77.0.3 alice-1 alice-1.drover.internal",
                                               "stale-dns 10.77.0.2 alice-1 www.example.org", "stale-dns garbage");
    EXPECT_THAT(kinds(), expected);
    EXPECT_THAT(kinds(true), expected);
    EXPECT_EQ(read_text(tools_.hosts_file), healthy);
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(Networks, OfOurNameThatAreNotOursAreForeignAndNeverTouched) {
    fs::remove(hypervisor("networks/" + network_uuid + ".xml"));
    write_network({.uuid = foreign_uuid});
    add_dns("10.77.0.50", "ghost-1");
    const auto before = read_text(hypervisor("networks/" + foreign_uuid + ".xml"));
    EXPECT_THAT(kinds(true), UnorderedElementsAre("foreign-state drover"));
    EXPECT_EQ(read_text(hypervisor("networks/" + foreign_uuid + ".xml")), before);
}

TEST_F(Networks, WithOurBridgeUnderAnotherNameAreOrphans) {
    write_network({.name = "left-over", .uuid = foreign_uuid, .bridge = "drover-br"});
    write_network({.name = "default", .uuid = "88888888-8888-4888-8888-888888888888", .bridge = "virbr0"});
    EXPECT_THAT(kinds(true), UnorderedElementsAre("orphan-network left-over"));
    EXPECT_TRUE(fs::exists(hypervisor("networks/" + foreign_uuid + ".xml")));
}

TEST_F(Networks, OfThisRegistryUnderAnotherNameAreOrphans) {
    config_.network.name = "other";
    write_text(tools_.hosts_file, "");
    EXPECT_THAT(kinds(true), UnorderedElementsAre("orphan-network drover", "missing-network other"));
    EXPECT_TRUE(fs::exists(hypervisor("networks/" + network_uuid + ".xml")));
}

TEST_F(Networks, LeaveNoBridgeBehind) {
    fs::remove(hypervisor("networks/" + network_uuid + ".xml"));
    EXPECT_THAT(kinds(true), UnorderedElementsAre("orphan-network drover-br", "missing-network drover"));
    fs::remove(folder_ / "net/drover-br");
    EXPECT_THAT(kinds(), UnorderedElementsAre("missing-network drover"));
}

}  // namespace
}  // namespace drover::test
