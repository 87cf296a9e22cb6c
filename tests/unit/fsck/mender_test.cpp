#include "fsck/mender.hpp"

#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

/// What changed between the look and the mending.
class MenderTest : public FsckTest {
  protected:
    std::string carry_out(const fsck::Mend& mend) {
        fsck::RegistryReader registry(state("registry.db"));
        const auto& host = config_.hosts.front();
        const fsck::Hypervisors hypervisors{{tools_.virsh, host.vm_uri}, {tools_.virsh, host.container_uri}};
        const auto sight = fsck::look(config_, tools_, registry, hypervisors);
        return fsck::Mender(sight, tools_, registry, hypervisors).carry_out(mend);
    }
    static std::string uuid_in(const std::string& file) { return fs::path(file).stem(); }
};

TEST_F(MenderTest, SparesWhatBelongsToALivingGuestNow) {
    add_guest({.id = 1, .name = "alice-1"});
    const auto file = write_domain({.id = 1, .guest = "alice-1"});
    EXPECT_THAT(carry_out(fsck::RemoveDomain{uuid_in(file), 1}), HasSubstr("nothing: guest 1"));
    EXPECT_THAT(carry_out(fsck::MoveToLost{"1"}), HasSubstr("nothing: guest 1"));
    EXPECT_THAT(kinds(), IsEmpty());
}

TEST_F(MenderTest, SparesWhatIsSomebodyElsesNow) {
    const auto untagged = write_domain({.id = 1, .registry = ""});
    EXPECT_THAT(carry_out(fsck::RemoveDomain{uuid_in(untagged), 1}), HasSubstr("not ours"));
    EXPECT_TRUE(fs::exists(untagged));
    const auto renamed = write_domain({.id = 1, .name = "mine"});
    EXPECT_THAT(carry_out(fsck::RemoveDomain{uuid_in(renamed), 1}), HasSubstr("not ours"));
    EXPECT_TRUE(fs::exists(renamed));
    add_dns("10.77.0.50", "new");
    EXPECT_THAT(carry_out(fsck::ForgetHost{network_uuid, {"10.77.0.50", {"old"}}}), HasSubstr("nothing"));
    EXPECT_THAT(read_text(hypervisor("networks/" + network_uuid + ".xml")), HasSubstr("10.77.0.50"));
    write_names("10.77.0.50", "10.77.0.50 new\n");
    EXPECT_THAT(carry_out(fsck::RemoveName{{"10.77.0.50", "10.77.0.50 old"}}), HasSubstr("nothing"));
    EXPECT_EQ(read_text(state("names/10.77.0.50")), "10.77.0.50 new\n");
}

TEST_F(MenderTest, FindsNothingLeftToDo) {
    EXPECT_THAT(carry_out(fsck::RemoveDomain{foreign_uuid, 1}), HasSubstr("gone already"));
    EXPECT_THAT(carry_out(fsck::MoveToLost{"1"}), HasSubstr("gone already"));
    EXPECT_THAT(carry_out(fsck::ForgetHost{foreign_uuid, {"10.77.0.50", {"old"}}}), HasSubstr("gone already"));
    EXPECT_THAT(carry_out(fsck::RemoveName{{"10.77.0.50", "10.77.0.50 old"}}), HasSubstr("gone already"));
}

TEST_F(MenderTest, SaysWhyItFailed) {
    make_overlay(1, 1);
    write_text(state("lost"), "a file in the way");
    const auto said = carry_out(fsck::MoveToLost{"1"});
    EXPECT_THAT(said, HasSubstr("failed: "));
    EXPECT_THAT(said, HasSubstr("Not a directory"));
    EXPECT_TRUE(fs::exists(state("overlays/1/1.qcow2")));
}

}  // namespace
}  // namespace drover::test
