#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/cloud_image.hpp"
#include "storage/paths.hpp"
#include "storage/single_flight.hpp"
#include "storage/trust.hpp"

namespace drover {

class BuildWork;
struct EarlierRoot;

/// One immutable build of an image, as found under roots/<image>/<digest>/.
struct Version {
    std::string digest;  ///< "sha256:<64 hex>" over root, kernel and initrd and what follows here
    std::string image;
    std::string root, kernel, initrd;  ///< absolute paths; of a cloud image: none
    std::string disk;                  ///< of a cloud image: its qcow2, which guests' overlays are on; else empty
    std::string parameters;            ///< kernel parameters that the image asks for
    std::string profile;               ///< the profile for guests that name none
    std::string fork_point;            ///< "early" or "ready"
    long long memory = 0;              ///< bytes that a guest needs at least
    long long bytes = 0;               ///< on disk, all files

    [[nodiscard]] bool is_cloud() const { return !disk.empty(); }
    bool operator==(const Version&) const = default;
};

/// Roots of versions. Build aside, check, switch in by rename; immutable (0444) from then on.
/// Any thread; building the same image twice at once prepares once, the other waits and gets the same version.
class Roots {
  public:
    /// Makes the folders of the state that it needs. `tell` (may be empty) gets a line when a version is found damaged,
    /// from whichever thread finds it. Error{failed} when it cannot.
    explicit Roots(StoragePaths paths, const std::function<void(const std::string&)>& tell = {});

    /// Names of images that have a recipe, in order. The administrator's own go before those of the same name that
    /// came with Drover.
    [[nodiscard]] std::vector<std::string> recipes() const;
    /// Builds `image` by its recipe and switches it in; an equal version that is there already is returned as it is,
    /// unless it is damaged: then the new one takes its place.
    /// `progress` (may be empty) gets a line of text now and then, from this thread. `budget` ends the recipe's
    /// programs. Error{not_found} for an image without recipe, Error{usage} for a recipe with a mistake, Error{failed}
    /// with the recipe's last words, Error{refused} when the result fails a check. Whatever fails, nothing of it is
    /// visible.
    /// `earlier`: digests of the image whose guests may come to run the result, which is refused when it gives their
    /// accounts other numbers; one that is not there or damaged does not count.
    Version build(const std::string& image, const std::function<void(const std::string&)>& progress,
                  std::chrono::seconds budget = std::chrono::minutes(20), const std::vector<std::string>& earlier = {});
    /// Makes a version of a copy of the file, in the same way; an equal one that is there already is returned as it is.
    /// Error{refused} for a file that is no plain qcow2, and for an image that has a recipe or versions by one.
    /// `budget` ends waiting for others.
    Version add(const CloudImage& cloud, const std::function<void(const std::string&)>& progress,
                std::chrono::seconds budget = std::chrono::minutes(20));
    /// Error{refused} when add() would refuse so.
    void expect_addable(const CloudImage& cloud) const;
    /// The version, whose files are those that were built: Error{not_found} when it is not there, Error{refused} naming
    /// the file that is damaged. Under a millisecond, but for a version whose files changed or were not read yet by
    /// this process: reading them takes about a second for 300 MB.
    [[nodiscard]] Version version(const std::string& image, const std::string& digest) const;
    /// Where the root of such a version is, whether there is one or not. Error{usage} for what is no digest.
    [[nodiscard]] std::string root_of(const std::string& image, const std::string& digest) const;
    /// Every version on disk, by image and digest. One with a file missing or cut short is left out; version() tells
    /// what is wrong with it.
    [[nodiscard]] std::vector<Version> versions() const;
    /// Name and version of each package that went into it.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> packages(const Version& version) const;
    /// What it is made of, as CycloneDX 1.5 JSON. Error{not_found} when there is no such version, Error{failed} when
    /// its manifest cannot be read, Error{refused} when it is a cloud image, of which nobody knows.
    [[nodiscard]] std::string sbom(const std::string& image, const std::string& digest) const;
    /// Removes it from the disk, durably; absent: nothing. Not while it is being built: a build of the image goes
    /// first.
    void remove(const std::string& image, const std::string& digest);
    /// Reads all files of the version again and holds them against its digest. The file that is damaged, and how;
    /// nothing when all is well. Error{not_found} when there is no such version, Error{failed} when a file cannot be
    /// read.
    std::optional<std::string> verify(const std::string& image, const std::string& digest);
    /// Reads each version that version() would have to read. `pause` is called every now and then; what it throws ends
    /// the reading.
    void read_all(const std::function<void()>& pause);
    /// Removes what an interrupted build or prototype left behind. At start, before anything is built.
    void sweep() const;

  private:
    Version build_alone(const std::string& image, const BuildWork& work, const std::vector<std::string>& earlier);
    [[nodiscard]] std::vector<EarlierRoot> roots_of(const std::string& image,
                                                    const std::vector<std::string>& digests) const;
    [[nodiscard]] bool has_versions(const std::string& image, bool cloud) const;
    [[nodiscard]] std::string existing_folder(const std::string& image, const std::string& digest) const;

    StoragePaths paths_;
    SingleFlight<Version> builds_;
    mutable Trust trust_;
};

}  // namespace drover
