#pragma once
#include <string>
#include <vector>

namespace drover::fsck {

/// The block of one instance in the host's own table of names: the lines between "# begin drover <instance>" and
/// "# end drover <instance>". A block without an end counts for nothing: what follows it may be somebody else's.
class HostsFile {
  public:
    HostsFile(std::string path, std::string instance);

    /// The lines of the block, in order; none when there is no block or no file. Error{unavailable} when the file
    /// cannot be read.
    [[nodiscard]] std::vector<std::string> lines() const;
    /// Takes every line of the block that is `line` out of the file, durably; the rest stays as it is to the byte.
    /// Error{failed} naming the file.
    void remove(const std::string& line) const;

  private:
    std::string path_, instance_;
};

}  // namespace drover::fsck
