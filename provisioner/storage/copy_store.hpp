#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "model/guest.hpp"

namespace drover {

/// Copies of overlays below state/copies/, a folder each. Any thread, any copies at once; one copy from one thread at a
/// time. Error{failed} naming the path, or DiskFull.
class CopyStore {
  public:
    /// Makes its folder, and removes what copying left there that was cut short.
    explicit CopyStore(const std::filesystem::path& state);

    /// Copies an overlay that nobody writes to, holes as holes and sharing blocks where the file system can, durably.
    /// Repeated: the first one counts. Bytes on the disk.
    long long make(CopyId id, const std::string& overlay) const;
    /// Moves the overlay here. Repeated: nothing more. Bytes on the disk; 0: there was nothing to move.
    long long take(CopyId id, const std::string& overlay) const;
    /// The file of a copy. Error{not_found} when it is not there.
    [[nodiscard]] std::string file(CopyId id) const;
    /// Removes it, durably; absent: nothing.
    void remove(CopyId id) const;

  private:
    [[nodiscard]] std::filesystem::path folder(CopyId id) const;

    std::filesystem::path folder_;
};

/// Copies a regular file that nobody writes to into a new one with mode 0600, as make() does; synced, its folder is
/// not. A link is not followed.
void copy_plain_file(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace drover
