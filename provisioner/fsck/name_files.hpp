#pragma once
#include <string>
#include <vector>

namespace drover::fsck {

/// A line of a file that the network's DNS reads names from.
struct NameLine {
    std::string file;  ///< entry of state/names
    std::string text;
    bool operator==(const NameLine&) const = default;
};

/// The folder state/names, which the DNS of the guests' network watches. Any thread.
class NameFiles {
  public:
    explicit NameFiles(const std::string& state);

    /// All lines of all files that the DNS reads, in order; a folder that is not there has none. Error{unavailable}
    /// when it cannot be read.
    [[nodiscard]] std::vector<NameLine> lines() const;
    /// Takes the line out, and with the last of its lines the file. False: it is gone already. Error{failed} naming
    /// the path.
    [[nodiscard]] bool remove(const NameLine& line) const;

  private:
    [[nodiscard]] std::vector<NameLine> lines_of(const std::string& file) const;

    std::string folder_;
};

}  // namespace drover::fsck
