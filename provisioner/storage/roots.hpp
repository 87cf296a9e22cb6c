#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/sync.hpp"
#include "storage/paths.hpp"
#include "storage/single_flight.hpp"

namespace drover {

class BuildWork;
struct Manifest;

/// One immutable build of an image, as found under roots/<image>/<digest>/.
struct Version {
    std::string digest;  ///< "sha256:<64 hex>" over root, kernel and initrd and what follows here
    std::string image;
    std::string root, kernel, initrd;  ///< absolute paths
    std::string parameters;            ///< kernel parameters that the image asks for
    std::string profile;               ///< the profile for guests that name none
    std::string fork_point;            ///< "early" or "ready"
    long long memory = 0;              ///< bytes that a guest needs at least
    long long bytes = 0;               ///< on disk, all files

    bool operator==(const Version&) const = default;
};

/// Roots of versions. Build aside, check, switch in by rename; immutable (0444) from then on.
/// Any thread; building the same image twice at once prepares once, the other waits and gets the same version.
class Roots {
  public:
    /// Makes the folders of the state that it needs. Error{failed} when it cannot.
    explicit Roots(StoragePaths paths);

    /// Names of images that have a recipe, in order. The administrator's own go before those of the same name that
    /// came with Drover.
    [[nodiscard]] std::vector<std::string> recipes() const;
    /// Builds `image` by its recipe and switches it in; an equal version that is there already is returned as it is.
    /// `progress` (may be empty) gets a line of text now and then, from this thread. `budget` ends the recipe's
    /// programs. Error{not_found} for an image without recipe, Error{usage} for a recipe with a mistake, Error{failed}
    /// with the recipe's last words, Error{refused} when the result fails a check. Whatever fails, nothing of it is
    /// visible.
    Version build(const std::string& image, const std::function<void(const std::string&)>& progress,
                  std::chrono::seconds budget = std::chrono::minutes(20));
    /// The version, its files where they should be. Error{not_found} otherwise. Under a millisecond.
    [[nodiscard]] Version version(const std::string& image, const std::string& digest) const;
    /// Where the root of such a version is, whether there is one or not. Error{usage} for what is no digest.
    [[nodiscard]] std::string root_of(const std::string& image, const std::string& digest) const;
    /// Every version on disk, by image and digest. One that cannot be read is left out; version() tells what is wrong
    /// with it.
    [[nodiscard]] std::vector<Version> versions() const;
    /// Name and version of each package that went into it.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> packages(const Version& version) const;
    /// Removes it from the disk, durably; absent: nothing. Not while it is being built: a build of the image goes
    /// first.
    void remove(const std::string& image, const std::string& digest);
    /// Reads all files of the version again and holds them against its digest. Error{failed} naming the file that is
    /// not what was built. About a second for 300 MB.
    static void verify(const Version& version);
    /// Removes what an interrupted build or prototype left behind. At start, before anything is built.
    void sweep() const;

  private:
    Version build_alone(const std::string& image, const BuildWork& work) const;
    [[nodiscard]] std::shared_ptr<const Manifest> manifest_in(const std::string& folder) const;

    StoragePaths paths_;
    SingleFlight<Version> builds_;
    mutable Synchronized<std::map<std::string, std::shared_ptr<const Manifest>>> manifests_;  ///< by folder
};

}  // namespace drover
