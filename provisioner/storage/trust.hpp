#pragma once
#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/sync.hpp"
#include "storage/manifest.hpp"
#include "storage/single_flight.hpp"

namespace drover {

/// What was found when all files of a version were read and held against its digest.
struct Reading {
    std::shared_ptr<const Manifest> manifest;  ///< none: it cannot be read
    std::string damage;                        ///< the file, and what is wrong with it; empty: nothing
};

/// Which versions are what was built, by the folder of each. One is read whole when it is first asked for; that counts
/// for as long as its files are the same ones, unchanged: then the question costs a stat(2) a file. Any thread.
class Trust {
  public:
    /// `tell` (may be empty) is called when a reading finds damage that was not known, from the thread that reads.
    explicit Trust(std::function<void(const std::filesystem::path& folder, const std::string& damage)> tell)
        : tell_(std::move(tell)) {}

    /// What the last reading found; reads when there was none, or the files changed since. Who asks while another one
    /// reads for the same reason waits for that. Error{failed} when the disk does not give a file.
    Reading of(const std::filesystem::path& folder);
    /// Reads it now, whatever is known: about a second for 300 MB. `pause` is called every now and then; what it throws
    /// ends the reading, and what was known before stays. Error{failed} as above.
    Reading read(const std::filesystem::path& folder, const std::function<void()>& pause = {});
    /// Whether of() would answer at once.
    bool knows(const std::filesystem::path& folder);
    void forget(const std::filesystem::path& folder);

  private:
    /// What a write to a file, or another file of its name, changes.
    struct Identity {
        dev_t device = 0;
        ino_t inode = 0;
        off_t bytes = 0;
        time_t seconds = 0;  ///< of the last change of its content or its inode, which nobody can set
        long nanoseconds = 0;

        bool operator==(const Identity&) const = default;
    };
    struct Known {
        std::vector<Identity> files;
        Reading reading;
    };
    static std::vector<Identity> identities_in(const std::filesystem::path& folder);
    std::shared_ptr<const Known> current(const std::filesystem::path& folder);

    std::function<void(const std::filesystem::path&, const std::string&)> tell_;
    Synchronized<std::map<std::filesystem::path, std::shared_ptr<const Known>>> known_;
    SingleFlight<Reading> readings_;
};

}  // namespace drover
