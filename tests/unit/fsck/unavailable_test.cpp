#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

class Unavailable : public FsckTest {
  protected:
    /// Why it cannot look.
    std::string complaint() {
        try {
            look(true);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::unavailable);
            return error.what();
        }
        ADD_FAILURE() << "it could look";
        return "";
    }
};

TEST_F(Unavailable, WithoutTheHypervisorNothingIsTouched) {
    make_overlay(77, 1);
    write_text(hypervisor("down"), "");
    EXPECT_THAT(complaint(), AllOf(HasSubstr("virsh list"), HasSubstr("failed to connect to the hypervisor")));
    EXPECT_TRUE(fs::exists(state("overlays/77/1.qcow2")));
    fs::remove(hypervisor("down"));
    EXPECT_EQ(look().size(), 1);
}

TEST_F(Unavailable, WithoutVirsh) {
    tools_.virsh = folder_ / "no-virsh";
    EXPECT_THAT(complaint(), HasSubstr("no-virsh"));
}

TEST_F(Unavailable, WithoutARegistryAndMakesNone) {
    config_.state = folder_ / "elsewhere";
    fs::create_directories(config_.state);
    EXPECT_THAT(complaint(), HasSubstr("elsewhere/registry.db"));
    EXPECT_FALSE(fs::exists(state("registry.db")));
}

TEST_F(Unavailable, WithABrokenRegistry) {
    config_.state = folder_ / "elsewhere";
    fs::create_directories(config_.state);
    write_text(state("registry.db"), std::string(8192, 'x'));
    EXPECT_THAT(complaint(), HasSubstr("elsewhere/registry.db"));
}

TEST_F(Unavailable, WithoutAWord) {
    write_text(hypervisor("ghosts"), foreign_uuid + "\n");
    EXPECT_THAT(complaint(), AllOf(HasSubstr(foreign_uuid), HasSubstr("does not describe")));
}

TEST_F(Unavailable, WithAHostsFileThatCannotBeRead) {
    tools_.hosts_file = folder_ / "net";  // a folder
    EXPECT_THAT(complaint(), HasSubstr("/net"));
}

}  // namespace
}  // namespace drover::test
