#include "fsck/hosts_file.hpp"

#include <sys/stat.h>

#include "fixture.hpp"

namespace drover::test {
namespace {

namespace fs = std::filesystem;
using fsck::HostsFile;
using testing::ElementsAre;
using testing::IsEmpty;

class Hosts : public FsckTest {
  protected:
    /// The lines of the block in a file with this text.
    std::vector<std::string> lines_in(const std::string& text) {
        write_text(path_, text);
        return HostsFile(path_, "drover").lines();
    }
    std::string path_ = folder_ / "table";
};

TEST_F(Hosts, WithoutFileOrBlockThereAreNoLines) {
    EXPECT_THAT(HostsFile(path_, "drover").lines(), IsEmpty());
    EXPECT_THAT(lines_in(""), IsEmpty());
    EXPECT_THAT(lines_in("a\nb\n"), IsEmpty());
    EXPECT_THAT(lines_in("# begin drover lab\na\n# end drover lab\n"), IsEmpty());
    EXPECT_THAT(lines_in("# begin drover drover2\na\n# end drover drover2\n"), IsEmpty());
}

TEST_F(Hosts, OnlyWholeBlocksCount) {
    EXPECT_THAT(lines_in("x\n# begin drover drover\na\n\nb\n# end drover drover\ny\n"), ElementsAre("a", "", "b"));
    EXPECT_THAT(lines_in("# begin drover drover\na\nb\n"), IsEmpty());
    EXPECT_THAT(lines_in("a\n# end drover drover\n"), IsEmpty());
    EXPECT_THAT(lines_in("# begin drover drover\na\n# begin drover drover\nb\n# end drover drover"), ElementsAre("b"));
}

TEST_F(Hosts, RemovingALineKeepsTheRestToTheByte) {
    lines_in("a\r\n\n# begin drover drover\nb\na\nb\n# end drover drover\nb\n\n\xff");
    ::chmod(path_.c_str(), 0640);
    HostsFile(path_, "drover").remove("b");
    EXPECT_EQ(read_text(path_), "a\r\n\n# begin drover drover\na\n# end drover drover\nb\n\n\xff");
    HostsFile(path_, "drover").remove("not there");
    EXPECT_EQ(read_text(path_), "a\r\n\n# begin drover drover\na\n# end drover drover\nb\n\n\xff");
    EXPECT_EQ(fs::status(path_).permissions(), fs::perms(0640));
    EXPECT_FALSE(fs::exists(path_ + ".fsck"));
}

TEST_F(Hosts, ThroughALinkTheLinkStays) {
    lines_in("# begin drover drover\nb\n# end drover drover\n");
    fs::create_symlink(path_, folder_ / "link");
    HostsFile(folder_ / "link", "drover").remove("b");
    EXPECT_TRUE(fs::is_symlink(folder_ / "link"));
    EXPECT_EQ(read_text(path_), "# begin drover drover\n# end drover drover\n");
}

}  // namespace
}  // namespace drover::test
